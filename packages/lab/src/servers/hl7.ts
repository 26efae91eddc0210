// hl7.ts — HL7 v2 over MLLP, as far as a message and its acknowledgement go.
import { MLLP_START } from "./protocol.js";

const MLLP_END = Buffer.from([0x1c, 0x0d]);
/** A longer message is refused by closing. */
export const HL7_BYTES_MAX = 1024 * 1024;

export const frame = (message: string): Buffer =>
  Buffer.concat([Buffer.from([MLLP_START]), Buffer.from(message, "latin1"), MLLP_END]);

/** Complete messages at the start of a stream, and the bytes that remain. */
export function unframe(stream: Buffer): { readonly messages: string[]; readonly rest: Buffer } {
  const messages: string[] = [];
  let rest = stream;
  for (;;) {
    const end = rest.indexOf(MLLP_END);
    if (end < 0) return { messages, rest };
    const start = rest[0] === MLLP_START ? 1 : 0;
    messages.push(rest.toString("latin1", start, end));
    rest = rest.subarray(end + MLLP_END.length);
  }
}

/** Field `n` of the MSH segment, counted as HL7 does: the separator itself is field 1. */
const header = (message: string, n: number): string =>
  message.split("\r")[0]?.split("|")[n - 1] ?? "";

/** The acknowledgement, code AA, of a message; names the server that gave it. */
export function acknowledge(message: string, server: string): string {
  const control = header(message, 10);
  const head = [
    "MSH",
    "^~\\&",
    server,
    "LAB",
    header(message, 3),
    header(message, 4),
    "",
    "",
    "ACK",
  ];
  return `${head.join("|")}|${control}|P|2.5\rMSA|AA|${control}\r`;
}

/** An order for an examination, as a clinic sends it. */
export const orderMessage = (control: string): string =>
  [
    `MSH|^~\\&|LAB|CLIENT|VNA|ARCHIVE|20260101120000||ORM^O01|${control}|P|2.5`,
    "PID|1||LBPAIR1||Failover^Frieda",
    "ORC|NW|1",
    "OBR|1|1||CT^Chest",
    "",
  ].join("\r");

export interface Hl7Answer {
  readonly accepted: boolean;
  readonly server: string;
  readonly control: string;
}

export function readAcknowledgement(message: string): Hl7Answer {
  const code = /\rMSA\|([^|]*)\|([^|\r]*)/.exec(message);
  return {
    accepted: code?.[1] === "AA",
    server: header(message, 3),
    control: code?.[2] ?? "",
  };
}
