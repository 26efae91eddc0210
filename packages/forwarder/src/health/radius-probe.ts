// radius-probe.ts — asks a RADIUS server over UDP, again where a datagram may be lost.
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { isIP } from "node:net";
import { type CheckOf, describeDuration } from "@lbpair/common";
import { simpleProbe } from "./probe.js";
import { askedPort } from "./question.js";
import { CODE, type RadiusQuestion, radiusRequest, readRadiusAnswer } from "./radius-packet.js";
import { describeError, isOwnTrouble } from "./socket-words.js";
import type { CheckResult } from "./types.js";

/** Questions asked within one timeout; all are the same datagram. */
const TRIES = 3;

const NAMES: Readonly<Record<number, string>> = {
  [CODE.accessAccept]: "Access-Accept",
  [CODE.accessReject]: "Access-Reject",
  [CODE.accountingResponse]: "Accounting-Response",
  [CODE.accessChallenge]: "Access-Challenge",
};

function judge(code: number, check: CheckOf<"radius">): CheckResult {
  const name = NAMES[code] ?? `code ${code}`;
  const statusAsked = check.user === undefined;
  // RFC 5997 section 4.2: an accounting port answers a status in its own way.
  const fine = code === CODE.accessAccept || (statusAsked && code === CODE.accountingResponse);
  if (fine || (check.accept === "any" && NAMES[code] !== undefined)) {
    return { passed: true, reason: name };
  }
  return { passed: false, reason: `want Access-Accept, got ${name}` };
}

export const radiusProbe = simpleProbe((target, { signal, source }) => {
  const { check } = target;
  if (check.type !== "radius") {
    return Promise.resolve({ passed: false, reason: `${check.type} asks no RADIUS server` });
  }
  return new Promise((resolve) => {
    const question: RadiusQuestion = {
      ...check,
      identifier: randomBytes(1).readUInt8(),
      authenticator: randomBytes(16),
    };
    const packet = radiusRequest(question);
    const socket = createSocket(isIP(target.address) === 6 ? "udp6" : "udp4");
    let wrong = "nothing";
    const finish = (result: CheckResult) => {
      clearTimeout(timer);
      clearInterval(again);
      signal.removeEventListener("abort", abort);
      socket.removeAllListeners("message");
      socket.close();
      resolve(result);
    };
    let over = false;
    const once = (result: CheckResult) => {
      if (over) return;
      over = true;
      finish(result);
    };
    const abort = () => once({ passed: false, reason: "the check was ended" });
    const late = () => {
      const within = `within ${describeDuration(check.timeout)}`;
      once({ passed: false, reason: `want an answer ${within}, got ${wrong}`, timedOut: true });
    };
    // A late timer runs before the answer that waits behind it: let that in first.
    const timer = setTimeout(() => setImmediate(late), check.timeout);
    const ask = () => socket.send(packet, () => undefined);
    const again = setInterval(ask, check.timeout / TRIES);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      once({
        passed: false,
        reason: `want an answer, got ${describeError(error)}`,
        ...(isOwnTrouble(error) ? { notAsked: true } : {}),
      });
    });
    // Anyone may send a datagram: what is not truly the server's answer is no answer yet.
    socket.on("message", (datagram) => {
      const answer = readRadiusAnswer(datagram, question);
      if ("wrong" in answer) wrong = answer.wrong;
      else once(judge(answer.code, check));
    });
    const port = askedPort(target, check.port);
    const connect = () => socket.connect(port, target.address, () => !over && ask());
    if (source === undefined) connect();
    else socket.bind({ address: source }, connect);
  });
});
