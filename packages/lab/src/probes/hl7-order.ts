// hl7-order.ts — one HL7 order over MLLP, and whether and by whom it was acknowledged.
import { connect } from "node:net";
import {
  frame,
  type Hl7Answer,
  orderMessage,
  readAcknowledgement,
  unframe,
} from "../servers/hl7.js";
import { monotonicMs } from "../ticker.js";
import type { ProbeLife } from "./probe-life.js";

export interface Hl7OrderOptions {
  readonly address: string;
  readonly port: number;
  /** Message control id, echoed by the acknowledgement. */
  readonly control: string;
}

export interface Hl7OrderResult extends Hl7Answer {
  readonly tookMs: number;
}

const ANSWER_MS_MAX = 5000;

/** Sends the order at once; `stop` only ends the process. */
export async function sendHl7Order(
  options: Hl7OrderOptions,
  life: ProbeLife,
): Promise<Hl7OrderResult> {
  const started = monotonicMs();
  const socket = connect({ host: options.address, port: options.port, noDelay: true });
  const answer = await new Promise<string>((resolve, reject) => {
    let stream: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => reject(new Error("no acknowledgement in time")), ANSWER_MS_MAX);
    socket.on("connect", () => socket.write(frame(orderMessage(options.control))));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed without an acknowledgement")));
    socket.on("data", (bytes: Buffer) => {
      const { messages, rest } = unframe(Buffer.concat([stream, bytes]));
      stream = rest;
      if (messages[0] === undefined) return;
      clearTimeout(timer);
      resolve(messages[0]);
    });
  });
  const tookMs = monotonicMs() - started;
  socket.end();
  life.ready();
  await life.stop;
  return { ...readAcknowledgement(answer), tookMs };
}
