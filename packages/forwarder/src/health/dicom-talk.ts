// dicom-talk.ts — does an application entity verify? Association, C-ECHO, release (PS3.4 annex A).
import type { CheckOf } from "@lbpair/common";
import {
  abortRequest,
  associateRequest,
  contextAnswer,
  echoRequest,
  echoStatus,
  PDU,
  type Pdu,
  readPdu,
  releaseRequest,
} from "./dicom-pdu.js";
import { fail, type Next, pass, type Turn, unexpected } from "./talk.js";

const MESSAGE_ID = 1;

/** PS3.8 section 9.3.4: who refused, and why. */
const REFUSALS: Readonly<Record<string, string>> = {
  "1.1": "no reason given",
  "1.2": "application context not supported",
  "1.3": "calling AE title not recognized",
  "1.7": "called AE title not recognized",
  "2.1": "no reason given",
  "2.2": "protocol version not supported",
  "3.1": "temporary congestion",
  "3.2": "local limit exceeded",
};
/** PS3.8 section 9.3.3.2. */
const CONTEXT_ANSWERS = [
  "accepted",
  "rejected by the user",
  "rejected without a reason",
  "abstract syntax not supported",
  "transfer syntaxes not supported",
];

function refusal({ content }: Pdu): string {
  const [, result = 0, source = 0, reason = 0] = content;
  const known = REFUSALS[`${source}.${reason}`] ?? `source ${source}, reason ${reason}`;
  return `refused${result === 2 ? " for now" : ""}: ${known}`;
}

/** A turn that waits for one message of a type; refusal and abort are answers too. */
function turn(wants: string, say: Buffer, type: number, then: (pdu: Pdu) => Next): Turn {
  return {
    say,
    wants,
    hear(heard) {
      const pdu = readPdu(heard);
      if (pdu === undefined) return undefined;
      if (pdu === "wrong") return unexpected(wants, heard);
      if (pdu.type === type) return then(pdu);
      if (pdu.type === PDU.associateReject) return fail(`want ${wants}, got ${refusal(pdu)}`);
      if (pdu.type === PDU.abort) return fail(`want ${wants}, got an abort`);
      return fail(`want ${wants}, got a PDU of type ${pdu.type}`, abortRequest());
    },
  };
}

export function dicomTalk({ callingAe, calledAe }: CheckOf<"dicom">): Turn {
  const echo = turn("an answer to C-ECHO", echoRequest(MESSAGE_ID), PDU.data, ({ content }) => {
    const status = echoStatus(content, MESSAGE_ID);
    if (status === 0) return pass(`${calledAe} verified`, releaseRequest());
    const hex = status?.toString(16).padStart(4, "0");
    const got = hex === undefined ? "another message" : `status 0x${hex}`;
    return fail(`want success of C-ECHO, got ${got}`, abortRequest());
  });
  const wants = `an association as ${calledAe} for ${callingAe}`;
  return turn(wants, associateRequest(callingAe, calledAe), PDU.associateAccept, (accept) => {
    const answer = contextAnswer(accept.content);
    if (answer === 0) return echo;
    const got = answer === undefined ? "no answer to it" : (CONTEXT_ANSWERS[answer] ?? `${answer}`);
    return fail(`want the Verification service, got ${got}`, releaseRequest());
  });
}
