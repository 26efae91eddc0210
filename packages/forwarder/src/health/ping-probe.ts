// ping-probe.ts — the server has to answer one ICMP echo; one socket asks them all.
import { describeDuration, type IcmpPing, RawSocketError } from "@lbpair/common";
import { type Probe, simpleProbe } from "./probe.js";
import { isOwnTrouble, WORDS } from "./socket-words.js";
import type { CheckResult } from "./types.js";

/** The socket cannot be waited for: it is looked at after 1, 2, 4, … ms, and this often at least. */
const LOOK_MS_MAX = 16;
/** Numbers of questions on the wire. */
const SEQUENCES = 0x1_0000;

interface Asked {
  readonly at: number;
  readonly answered: () => void;
}

export class PingAsker {
  readonly #ping: IcmpPing;
  readonly #asked = new Map<number, Asked>();
  #sequence = 0;
  #timer: NodeJS.Timeout | undefined;
  #look = 1;

  constructor(ping: IcmpPing) {
    this.#ping = ping;
  }

  /** Calls back when the answer is there; what is returned gives the question up. Throws RawSocketError. */
  ask(address: string, source: string | undefined, answered: () => void): () => void {
    const sequence = this.#nextSequence();
    this.#ping.ask(address, sequence, source);
    this.#asked.set(sequence, { at: performance.now(), answered });
    this.#arm(1);
    return () => this.#asked.delete(sequence);
  }

  /** Reads what waits in the socket. */
  read(): void {
    for (const sequence of this.#ping.read()) {
      const asked = this.#asked.get(sequence);
      this.#asked.delete(sequence);
      asked?.answered();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#asked.clear();
    this.#ping.close();
  }

  /** Far fewer checks run at once than there are numbers. */
  #nextSequence(): number {
    do this.#sequence = (this.#sequence + 1) % SEQUENCES;
    while (this.#asked.has(this.#sequence));
    return this.#sequence;
  }

  #arm(look: number): void {
    if (this.#timer !== undefined && look >= this.#look) return;
    clearTimeout(this.#timer);
    this.#look = look;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.read();
      if (this.#asked.size > 0) this.#arm(Math.min(LOOK_MS_MAX, look * 2));
    }, look);
  }
}

/** What a socket's error says of a check. */
function describeTrouble(error: unknown): string {
  if (!(error instanceof RawSocketError)) return String(error);
  if (error.code === "EPERM" || error.code === "EACCES") return `${error.call}: ${error.message}`;
  return WORDS[error.code] ?? error.code;
}

export const createPingProbe = (asker: PingAsker): Probe =>
  simpleProbe(({ address, check }, { signal, source }) => {
    if (check.type !== "ping") {
      return Promise.resolve({ passed: false, reason: `${check.type} pings nothing` });
    }
    return new Promise<CheckResult>((resolve) => {
      const started = performance.now();
      let giveUp: () => void = () => undefined;
      const finish = (result: CheckResult) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        giveUp();
        resolve(result);
      };
      const abort = () => finish({ passed: false, reason: "the check was ended" });
      const late = () => {
        // An answer that has waited in the socket came in time.
        asker.read();
        const reason = `no echo within ${describeDuration(check.timeout)}`;
        finish({ passed: false, reason, timedOut: true });
      };
      const timer = setTimeout(late, check.timeout);
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
      try {
        giveUp = asker.ask(address, source, () => {
          const tookMs = performance.now() - started;
          finish({ passed: true, reason: `echo in ${tookMs.toFixed(1)} ms` });
        });
      } catch (error) {
        const own = error instanceof RawSocketError && isOwnTrouble(error);
        const reason = `no echo: ${describeTrouble(error)}`;
        finish({ passed: false, reason, ...(own ? { notAsked: true } : {}) });
      }
    });
  });
