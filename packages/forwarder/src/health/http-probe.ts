// http-probe.ts — the server has to answer one HTTP(S) request with a status and, if asked, a text.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { type CheckConfig, describeDuration } from "@lbpair/common";
import { simpleProbe } from "./probe.js";
import { serverPorts } from "./question.js";
import type { CheckResult, CheckTarget } from "./types.js";

/** Of the body, what is searched for the text. */
export const HTTP_BODY_BYTES_MAX = 256 * 1024;

type HttpCheck = Extract<CheckConfig, { type: "http" }>;

const failed = (reason: string): CheckResult => ({ passed: false, reason });

function open(target: CheckTarget, check: HttpCheck): ClientRequest {
  const port = check.port ?? serverPorts(target)[0]?.first ?? 80;
  const host = isIP(target.address) === 6 ? `[${target.address}]` : target.address;
  const options = {
    host: target.address,
    port,
    path: check.path,
    method: "GET",
    agent: false as const,
    headers: { host: `${host}:${port}`, "user-agent": "lbpair", connection: "close" },
  };
  // Health is not identity: real servers commonly have a certificate for the service's name only.
  return check.tls ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
}

/** Looks for the text in the body, chunk by chunk, without keeping more than it may. */
function searchBody(response: IncomingMessage, text: string): Promise<CheckResult> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const judge = (limit: string) => {
      const found = Buffer.concat(chunks).includes(text);
      const status = `status ${response.statusCode}`;
      if (found) resolve({ passed: true, reason: `${status}, text found` });
      else resolve(failed(`${status}, but ${JSON.stringify(text)} is not in its body${limit}`));
    };
    response.on("data", (chunk: Buffer) => {
      const room = HTTP_BODY_BYTES_MAX - size;
      chunks.push(chunk.subarray(0, room));
      size += chunk.length;
      if (size < HTTP_BODY_BYTES_MAX) return;
      judge(`'s first ${HTTP_BODY_BYTES_MAX} bytes`);
      response.destroy();
    });
    response.on("end", () => judge(""));
    response.on("error", (error) => resolve(failed(`the answer broke off: ${error.message}`)));
  });
}

async function judgeResponse(response: IncomingMessage, check: HttpCheck): Promise<CheckResult> {
  if (response.statusCode !== check.status) {
    return failed(`status ${response.statusCode}, want ${check.status}`);
  }
  if (check.text === undefined) return { passed: true, reason: `status ${response.statusCode}` };
  return searchBody(response, check.text);
}

export const httpProbe = simpleProbe((target, { signal }) => {
  const { check } = target;
  if (check.type !== "http") return Promise.resolve(failed(`${check.type} asks for nothing`));
  return new Promise((resolve) => {
    const request = open(target, check);
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
    request.on("error", (error) => finish(failed(`no answer: ${error.message}`)));
    request.on("response", (response) => {
      void judgeResponse(response, check).then(finish);
    });
    request.end();
  });
});
