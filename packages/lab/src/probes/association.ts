// association.ts — a DICOM association that stays open and idle, and is asked for life at the end.
import { connect, type Socket } from "node:net";
import {
  associateRequest,
  echoRequest,
  echoStatus,
  PDU,
  releaseRequest,
  splitPdus,
} from "../dicom/pdu.js";
import { monotonicMs } from "../ticker.js";
import type { ProbeLife } from "./probe-life.js";

export interface AssociationOptions {
  readonly address: string;
  readonly port: number;
}

export interface AssociationResult {
  /** The C-ECHO after the idle time was answered with success, and the release too. */
  readonly lives: boolean;
  readonly reason: string;
  /** How long the C-ECHO took, in milliseconds. */
  readonly echoMs: number;
}

const ANSWER_MS_MAX = 8000;

/** Sends a message and waits for the next one. */
function createDialogue(socket: Socket) {
  let stream: Buffer = Buffer.alloc(0);
  let failure: Error | undefined;
  let waiting:
    | { resolve(pdu: { type: number; content: Buffer }): void; reject(error: Error): void }
    | undefined;
  const fail = (reason: string) => {
    failure ??= new Error(reason);
    waiting?.reject(failure);
  };
  socket.on("data", (bytes: Buffer) => {
    const { pdus, rest } = splitPdus(Buffer.concat([stream, bytes]));
    stream = rest;
    for (const pdu of pdus) waiting?.resolve(pdu);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
  socket.on("close", () => fail("closed by the server"));
  return (message: Buffer): Promise<{ type: number; content: Buffer }> => {
    if (failure !== undefined) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no answer in time")), ANSWER_MS_MAX);
      waiting = {
        resolve(pdu) {
          clearTimeout(timer);
          resolve(pdu);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      socket.write(message);
    });
  };
}

/** Opens the association, stays silent until `stop` resolves, then asks and releases. */
export async function probeAssociation(
  options: AssociationOptions,
  life: ProbeLife,
): Promise<AssociationResult> {
  const socket = connect({ host: options.address, port: options.port, noDelay: true });
  const ask = createDialogue(socket);
  const accepted = await ask(associateRequest("LAB", "VNA"));
  if (accepted.type !== PDU.associateAccept) {
    throw new Error(`association: want an acceptance, got PDU type ${accepted.type}`);
  }
  life.ready();
  await life.stop;
  const asked = monotonicMs();
  try {
    const echo = await ask(echoRequest(1));
    const status = echoStatus(echo.content);
    if (status !== 0) throw new Error(`C-ECHO answered with status ${status}`);
    const echoMs = monotonicMs() - asked;
    const released = await ask(releaseRequest());
    if (released.type !== PDU.releaseReply) throw new Error("release was not answered");
    return { lives: true, reason: "", echoMs };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { lives: false, reason, echoMs: monotonicMs() - asked };
  } finally {
    socket.destroy();
  }
}
