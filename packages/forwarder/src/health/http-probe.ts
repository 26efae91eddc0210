// http-probe.ts — the server has to answer one HTTP(S) request with a status and, if asked, a text.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { type CheckOf, describeDuration, formatPortRange } from "@lbpair/common";
import { findPattern } from "./match.js";
import { type ProbeContext, simpleProbe } from "./probe.js";
import { askedPort } from "./question.js";
import { firstLine } from "./reason-line.js";
import { describeError, isOwnTrouble } from "./socket-words.js";
import type { CheckResult, CheckTarget } from "./types.js";

/** Of the body, what is searched for the text and the pattern. */
export const HTTP_BODY_BYTES_MAX = 256 * 1024;

type HttpCheck = CheckOf<"http">;

const failed = (reason: string): CheckResult => ({ passed: false, reason });

/** The name for TLS: as configured, or the host header's without its port. */
function serverName({ sni, host }: HttpCheck): { readonly servername?: string } {
  const name = sni ?? host?.replace(/:\d+$/, "");
  return name === undefined || isIP(name.replace(/^\[|\]$/g, "")) !== 0 ? {} : { servername: name };
}

function open(target: CheckTarget, check: HttpCheck, source: ProbeContext["source"]) {
  const port = askedPort(target, check.port);
  const address = isIP(target.address) === 6 ? `[${target.address}]` : target.address;
  const options = {
    host: target.address,
    port,
    path: check.path,
    method: check.method,
    agent: false as const,
    ...(source === undefined ? {} : { localAddress: source }),
    headers: {
      host: check.host ?? `${address}:${port}`,
      "user-agent": "lbpair",
      connection: "close",
    },
  };
  if (!check.tls) return httpRequest(options);
  // Health is not identity: real servers commonly have a certificate for the service's name only.
  return httpsRequest({ ...options, ...serverName(check), rejectUnauthorized: false });
}

/** What of a body is not as wanted; undefined = all is. */
async function judgeBody(
  body: Buffer,
  { text, pattern }: HttpCheck,
  limit: string,
): Promise<string | undefined> {
  if (text !== undefined && !body.includes(text)) {
    return `${JSON.stringify(text)} is not in its body${limit}`;
  }
  if (pattern === undefined) return undefined;
  const found = await findPattern(pattern, body.toString());
  if (found === "too-slow") return `/${pattern}/ takes too long to match its body`;
  return found ? undefined : `/${pattern}/ does not match its body${limit}`;
}

/** Keeps the body, chunk by chunk, and no more of it than it may. */
function searchBody(response: IncomingMessage, check: HttpCheck): Promise<CheckResult> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let judging = false;
    const judge = async (limit: string): Promise<void> => {
      judging = true;
      const wrong = await judgeBody(Buffer.concat(chunks), check, limit);
      const status = `status ${response.statusCode}`;
      if (wrong !== undefined) resolve(failed(`${status}, but ${wrong}`));
      else {
        const what = check.text === undefined ? "pattern matches" : "text found";
        resolve({ passed: true, reason: `${status}, ${what}` });
      }
    };
    response.on("data", (chunk: Buffer) => {
      const room = HTTP_BODY_BYTES_MAX - size;
      chunks.push(chunk.subarray(0, room));
      size += chunk.length;
      if (size < HTTP_BODY_BYTES_MAX) return;
      void judge(`'s first ${HTTP_BODY_BYTES_MAX} bytes`);
      response.destroy();
    });
    response.on("end", () => void judge(""));
    response.on("error", (error) => {
      // What is being judged has come whole, or as much of it as is looked at.
      if (!judging) resolve(failed(`the answer broke off: ${error.message}`));
    });
  });
}

/** What of the headers is not as wanted; undefined = all is. */
function judgeHeader(response: IncomingMessage, check: HttpCheck): string | undefined {
  const { header, headerText } = check;
  if (header === undefined) return undefined;
  const value = response.headers[header.toLowerCase()];
  if (value === undefined) return `has no header ${header}`;
  const text = Array.isArray(value) ? value.join(", ") : value;
  if (headerText === undefined || text.includes(headerText)) return undefined;
  return `its header ${header} is ${JSON.stringify(text)}, want ${JSON.stringify(headerText)} in it`;
}

async function judgeResponse(response: IncomingMessage, check: HttpCheck): Promise<CheckResult> {
  const status = response.statusCode ?? 0;
  if (status < check.status.first || status > check.status.last) {
    return failed(`status ${status}, want ${formatPortRange(check.status)}`);
  }
  const wrong = judgeHeader(response, check);
  if (wrong !== undefined) return failed(firstLine(`status ${status}, but ${wrong}`));
  if (check.text !== undefined || check.pattern !== undefined) return searchBody(response, check);
  return { passed: true, reason: `status ${status}` };
}

export const httpProbe = simpleProbe((target, { signal, source }) => {
  const { check } = target;
  if (check.type !== "http") return Promise.resolve(failed(`${check.type} asks for nothing`));
  return new Promise((resolve) => {
    const request = open(target, check, source);
    const finish = (result: CheckResult) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      request.destroy();
      resolve(result);
    };
    const abort = () => finish(failed("the check was ended"));
    signal.addEventListener("abort", abort, { once: true });
    const late = () => {
      const reason = `no answer within ${describeDuration(check.timeout)}`;
      finish({ passed: false, reason, timedOut: true });
    };
    // A late timer runs before the answer that waits behind it: let that in first.
    const timer = setTimeout(() => setImmediate(late), check.timeout);
    request.on("error", (error) =>
      finish({
        ...failed(`no answer: ${describeError(error)}`),
        ...(isOwnTrouble(error) ? { notAsked: true } : {}),
      }),
    );
    request.on("response", (response) => {
      void judgeResponse(response, check).then(finish);
    });
    request.end();
  });
});
