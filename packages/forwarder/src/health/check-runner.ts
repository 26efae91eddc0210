// check-runner.ts — starts each check at its time and hands over what it found.
import type { CheckConfig, Clock, Millis } from "@lbpair/common";
import type { Probe, ProbeContext } from "./probe.js";
import { sameQuestion } from "./question.js";
import { afterStart, due, firstSlot, nextWake, type Slot, withInterval } from "./schedule.js";
import type { CheckResult, CheckTarget } from "./types.js";

/** A timeout noticed this much late shows a stall of ours, and says nothing of the server. */
export const STALL_MS = 1000;
/** Longest sleep of a timer; the timetable is simply looked at again. */
const SLEEP_MS_MAX = 60_000;

export interface CheckRunnerOptions {
  readonly clock: Clock;
  readonly probe: Probe;
  /** In [0, 1). */
  readonly random: () => number;
  readonly facts: (id: string) => Pick<ProbeContext, "attempt" | "lastResult">;
  readonly onResult: (target: CheckTarget, result: CheckResult, started: Millis) => void;
  readonly onStall: (target: CheckTarget, lateMs: number) => void;
}

export interface CheckRunner {
  start(): void;
  /** `lastStart` answers when a server new to the timetable was last checked, if that is known. */
  update(targets: readonly CheckTarget[], lastStart: (id: string) => Millis | null): void;
  stop(): Promise<void>;
}

interface Running {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

type Checked = CheckTarget & { readonly check: Exclude<CheckConfig, { type: "on" | "off" }> };

const isChecked = (target: CheckTarget): target is Checked =>
  target.check.type !== "on" && target.check.type !== "off";

class Runner implements CheckRunner {
  readonly #options: CheckRunnerOptions;
  readonly #targets = new Map<string, CheckTarget>();
  readonly #slots = new Map<string, Slot>();
  readonly #running = new Map<string, Running>();
  #going = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CheckRunnerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#going = true;
    this.#wake();
  }

  update(wanted: readonly CheckTarget[], lastStart: (id: string) => Millis | null): void {
    const { clock, random } = this.#options;
    const checked = new Map(wanted.filter(isChecked).map((target) => [target.id, target]));
    for (const [id, target] of this.#targets) {
      const next = checked.get(id);
      if (next !== undefined && sameQuestion(target, next)) continue;
      this.#running.get(id)?.abort.abort();
      this.#targets.delete(id);
      this.#slots.delete(id);
    }
    for (const [id, target] of checked) {
      if (this.#targets.has(id)) continue;
      const { interval } = target.check;
      const facts = { now: clock.now(), interval, servers: checked.size, random: random() };
      this.#slots.set(id, firstSlot({ ...facts, lastStart: lastStart(id) }));
      this.#targets.set(id, target);
    }
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#going = false;
    clearTimeout(this.#timer);
    for (const { abort } of this.#running.values()) abort.abort();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  /** Starts what is due, then sleeps until the next start. */
  #wake(): void {
    clearTimeout(this.#timer);
    if (!this.#going) return;
    const { clock } = this.#options;
    const now = clock.now();
    for (const id of due(this.#slots, new Set(this.#running.keys()), now)) {
      const target = this.#targets.get(id);
      const slot = this.#slots.get(id);
      if (target === undefined || slot === undefined) continue;
      this.#slots.set(id, afterStart(slot, now));
      this.#begin(target);
    }
    const next = nextWake(this.#slots, new Set(this.#running.keys()));
    if (next === null) return;
    const sleep = Math.min(SLEEP_MS_MAX, Math.max(1, Math.ceil(next - clock.now())));
    this.#timer = setTimeout(() => this.#wake(), sleep);
  }

  #begin(target: CheckTarget): void {
    const { clock, facts, probe } = this.#options;
    const abort = new AbortController();
    const started = clock.now();
    const run = probe(target, { ...facts(target.id), signal: abort.signal });
    const ended = (async () => {
      const result = await run.result;
      if (!abort.signal.aborted) {
        this.#pace(target, result);
        this.#handOver(target, result, started);
      }
      await run.ended;
      this.#running.delete(target.id);
      this.#wake();
    })();
    this.#running.set(target.id, { abort, ended });
  }

  /** A server whose last check failed may have an interval of its own. */
  #pace(target: CheckTarget, { passed }: CheckResult): void {
    const slot = this.#slots.get(target.id);
    if (slot === undefined || !isChecked(target)) return;
    const { interval, failingInterval } = target.check;
    const next = passed ? interval : (failingInterval ?? interval);
    this.#slots.set(target.id, withInterval(slot, next, this.#options.clock.now()));
  }

  #handOver(target: CheckTarget, result: CheckResult, started: Millis): void {
    const limit = isChecked(target) ? target.check.timeout : 0;
    const lateMs = this.#options.clock.now() - started - limit;
    if (result.timedOut === true && lateMs > STALL_MS) this.#options.onStall(target, lateMs);
    else this.#options.onResult(target, result, started);
  }
}

export const createCheckRunner = (options: CheckRunnerOptions): CheckRunner => new Runner(options);
