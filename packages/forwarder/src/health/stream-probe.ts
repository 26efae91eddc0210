// stream-probe.ts — holds a check's conversation over TCP or TLS: one connection, bounded in time and bytes.
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describeDuration } from "@lbpair/common";
import type { Probe, ProbeContext, ProbeRun } from "./probe.js";
import { describeError, isOwnTrouble } from "./socket-words.js";
import { ANSWER_BYTES_MAX, type Next, showHeard, type Turn } from "./talk.js";
import type { CheckResult, CheckTarget } from "./types.js";

/** After its last word a check waits so long for the server to close. */
const PARTING_MS = 500;

export interface StreamQuestion {
  readonly port: number;
  readonly timeoutMs: number;
  /** Whether the connection begins with TLS. */
  readonly secure: boolean;
  /** The name TLS asks for. */
  readonly serverName?: string | undefined;
  readonly begin: Next;
}

class Stream {
  readonly result: Promise<CheckResult>;
  readonly ended: Promise<void>;
  #answer: (result: CheckResult) => void = () => undefined;
  #end: () => void = () => undefined;
  readonly #question: StreamQuestion;
  readonly #signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  #socket: Socket;
  #turn: Turn | undefined;
  #heard: Buffer = Buffer.alloc(0);
  #wants = "a connection";
  #over = false;
  /** What was heard is being judged beside, and more came meanwhile. */
  #judging = false;
  #unjudged = false;

  constructor(target: CheckTarget, question: StreamQuestion, context: ProbeContext) {
    this.#question = question;
    this.#signal = context.signal;
    this.result = new Promise((resolve) => {
      this.#answer = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    // A late timer runs before the answer that waits behind it: let that in first.
    this.#timer = setTimeout(() => setImmediate(() => this.#late()), question.timeoutMs);
    const { source } = context;
    const local = source === undefined ? {} : { localAddress: source };
    this.#socket = connect({
      host: target.address,
      port: question.port,
      noDelay: true,
      ...local,
    });
    this.#socket.on("error", (error) => this.#broken(error));
    this.#socket.once("connect", () => {
      if (question.secure) this.#startTls(() => this.#go(question.begin));
      else this.#go(question.begin);
    });
    this.#socket.once("close", () => this.#closed());
    if (this.#signal.aborted) this.#abort();
    else this.#signal.addEventListener("abort", this.#abort, { once: true });
  }

  readonly #abort = (): void => this.#finish({ passed: false, reason: "the check was ended" });

  /** Health is not identity: real servers commonly have a certificate for the service's name only. */
  #startTls(then: () => void): void {
    this.#wants = "TLS";
    const plain = this.#socket;
    plain.removeAllListeners("data");
    const { serverName } = this.#question;
    const name =
      serverName === undefined || isIP(serverName) !== 0 ? {} : { servername: serverName };
    this.#socket = connectTls({ socket: plain, rejectUnauthorized: false, ...name }, then);
    this.#socket.on("error", (error) => this.#broken(error));
    this.#socket.once("close", () => this.#closed());
  }

  #go(next: Next): void {
    if (this.#over) return;
    if ("result" in next) {
      this.#part(next.result, next.say);
      return;
    }
    if (next.secure === true) {
      this.#startTls(() => this.#begin(next));
      return;
    }
    this.#begin(next);
  }

  #begin(turn: Turn): void {
    this.#turn = turn;
    this.#wants = turn.wants;
    this.#heard = Buffer.alloc(0);
    if (this.#socket.listenerCount("data") === 0) {
      this.#socket.on("data", (bytes: Buffer) => this.#hear(bytes));
    }
    if (turn.say !== undefined) this.#socket.write(turn.say);
  }

  #hear(bytes: Buffer): void {
    if (this.#over || this.#turn === undefined) return;
    this.#heard = Buffer.concat([this.#heard, bytes.subarray(0, ANSWER_BYTES_MAX)]);
    if (this.#judging) this.#unjudged = true;
    else this.#judge(this.#turn);
  }

  #judge(turn: Turn): void {
    this.#unjudged = false;
    const next = turn.hear(this.#heard.subarray(0, ANSWER_BYTES_MAX));
    if (!(next instanceof Promise)) {
      this.#judged(next);
      return;
    }
    this.#judging = true;
    void next.then((found) => {
      this.#judging = false;
      if (this.#over) return;
      if (found === undefined && this.#unjudged) this.#judge(turn);
      else if (found === undefined && this.#socket.destroyed) this.#closed();
      else this.#judged(found);
    });
  }

  #judged(next: Next | undefined): void {
    if (next !== undefined) this.#go(next);
    else if (this.#heard.length >= ANSWER_BYTES_MAX) this.#disappoint(" and no end of it");
  }

  #disappoint(how: string, notAsked = false): void {
    const got = this.#turn === undefined ? "" : `, got ${showHeard(this.#heard)}`;
    const reason = `want ${this.#wants}${got}${how}`;
    this.#finish({ passed: false, reason, ...(notAsked ? { notAsked } : {}) });
  }

  #closed(): void {
    if (this.#over) this.#end();
    // What was heard may still be what was wanted.
    else if (!this.#judging) this.#disappoint(", then the end of the connection");
  }

  #broken(error: NodeJS.ErrnoException): void {
    const how = `, port ${this.#question.port}: ${describeError(error)}`;
    this.#disappoint(how, isOwnTrouble(error));
  }

  #late(): void {
    if (this.#over) return;
    const within = ` within ${describeDuration(this.#question.timeoutMs)}`;
    const got = this.#turn === undefined ? "" : `, got ${showHeard(this.#heard)}`;
    const reason = `want ${this.#wants}${within}${got === "" ? ", got no answer" : got}`;
    this.#finish({ passed: false, reason, timedOut: true });
  }

  /** The result is known at once; the connection ends when the server has had its last word. */
  #part(result: CheckResult, say: Buffer | undefined): void {
    this.#settle(result);
    if (say === undefined) {
      this.#socket.destroy();
      this.#end();
      return;
    }
    const bye = () => {
      clearTimeout(timer);
      this.#socket.destroy();
      this.#end();
    };
    const timer = setTimeout(bye, PARTING_MS);
    this.#socket.once("data", bye);
    this.#socket.once("end", bye);
    this.#socket.once("close", bye);
    this.#signal.addEventListener("abort", bye, { once: true });
    this.#socket.write(say);
  }

  #settle(result: CheckResult): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#abort);
    this.#answer(result);
  }

  #finish(result: CheckResult): void {
    if (this.#over) return;
    this.#settle(result);
    this.#socket.destroy();
    this.#end();
  }
}

/** A probe that asks over one connection what `ask` says; undefined = this check asks nothing so. */
export const streamProbe =
  (ask: (target: CheckTarget) => StreamQuestion | undefined): Probe =>
  (target, context): ProbeRun => {
    const question = ask(target);
    if (question === undefined) {
      const reason = `${target.check.type} asks nothing over a connection`;
      return { result: Promise.resolve({ passed: false, reason }), ended: Promise.resolve() };
    }
    return new Stream(target, question, context);
  };
