// check-runner.ts — starts each check at its time, once for all who ask the same, and hands over what it found.
import type { CheckConfig, Clock, Millis } from "@lbpair/common";
import type { Probe, ProbeContext } from "./probe.js";
import { questionKey } from "./question.js";
import { afterStart, firstSlot, type Slot, withInterval } from "./schedule.js";
import { StartQueue } from "./start-queue.js";
import type { CheckResult, CheckTarget } from "./types.js";

/** Checks by this process's own sockets that run at once; more wait for one to end. */
export const CHECKS_AT_ONCE_MAX = 8192;
/** Checks by a process of their own that run at once. */
export const SCRIPTS_AT_ONCE_MAX = 256;
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
  /** A result that says nothing of the server, and why. */
  readonly onUncounted: (target: CheckTarget, why: string) => void;
  /** How much later than planned a check starts. */
  readonly onStart?: (lateMs: number) => void;
}

export interface CheckRunner {
  start(): void;
  /** `lastStart` answers when a server new to the timetable was last checked, if that is known. */
  update(targets: readonly CheckTarget[], lastStart: (id: string) => Millis | null): void;
  stop(): Promise<void>;
}

type Checked = CheckTarget & { readonly check: Exclude<CheckConfig, { type: "on" | "off" }> };

/** One question, and all whom its answer concerns. */
interface Asked {
  readonly key: string;
  /** Never empty; all of them ask the same. */
  targets: readonly [Checked, ...Checked[]];
  slot: Slot;
  abort: AbortController | null;
  /** It is asked no more. */
  gone: boolean;
}

/** Checks that share a bound of their own. */
interface Lane {
  readonly queue: StartQueue<Asked>;
  readonly most: number;
  running: number;
}

const isChecked = (target: CheckTarget): target is Checked =>
  target.check.type !== "on" && target.check.type !== "off";

function byQuestion(targets: readonly CheckTarget[]): Map<string, [Checked, ...Checked[]]> {
  const groups = new Map<string, [Checked, ...Checked[]]>();
  for (const target of targets) {
    if (!isChecked(target)) continue;
    const key = questionKey(target);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [target]);
    else group.push(target);
  }
  return groups;
}

class Runner implements CheckRunner {
  readonly #options: CheckRunnerOptions;
  readonly #asked = new Map<string, Asked>();
  readonly #sockets: Lane = { queue: new StartQueue(), most: CHECKS_AT_ONCE_MAX, running: 0 };
  readonly #scripts: Lane = { queue: new StartQueue(), most: SCRIPTS_AT_ONCE_MAX, running: 0 };
  readonly #ending = new Set<Promise<void>>();
  /** Ids whose former question is still being ended: their new one waits for that. */
  readonly #leaving = new Set<string>();
  #parked: Asked[] = [];
  #going = false;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt: Millis | null = null;

  constructor(options: CheckRunnerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#going = true;
    this.#wake();
  }

  update(wanted: readonly CheckTarget[], lastStart: (id: string) => Millis | null): void {
    const groups = byQuestion(wanted);
    for (const [key, asked] of this.#asked) {
      const targets = groups.get(key);
      if (targets !== undefined) asked.targets = targets;
      else this.#forget(asked);
    }
    for (const { queue } of [this.#sockets, this.#scripts]) queue.keep(({ gone }) => !gone);
    for (const [key, targets] of groups) {
      if (this.#asked.has(key)) continue;
      const starts = targets.flatMap(({ id }) => lastStart(id) ?? []);
      const latest = starts.reduce<Millis | null>((a, b) => (a !== null && a > b ? a : b), null);
      const slot = this.#firstSlot(targets[0], latest, groups.size);
      const asked: Asked = { key, targets, slot, abort: null, gone: false };
      this.#asked.set(key, asked);
      this.#lane(asked).queue.put(slot.nextStart, asked);
    }
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#going = false;
    clearTimeout(this.#timer);
    for (const { abort } of this.#asked.values()) abort?.abort();
    await Promise.all(this.#ending);
  }

  #firstSlot({ check }: Checked, lastStart: Millis | null, servers: number): Slot {
    const { clock, random } = this.#options;
    const facts = { now: clock.now(), interval: check.interval, servers, random: random() };
    return firstSlot({ ...facts, lastStart });
  }

  #lane({ targets }: Asked): Lane {
    return targets[0].check.type === "external" ? this.#scripts : this.#sockets;
  }

  #forget(asked: Asked): void {
    asked.gone = true;
    if (asked.abort !== null) {
      for (const { id } of asked.targets) this.#leaving.add(id);
      asked.abort.abort();
    }
    this.#asked.delete(asked.key);
  }

  /** Starts what is due, then sleeps until the next start. */
  #wake(): void {
    this.#wakeAt = null;
    clearTimeout(this.#timer);
    if (!this.#going) return;
    this.#startDue(this.#sockets);
    this.#startDue(this.#scripts);
    const due = [this.#sockets, this.#scripts].flatMap(({ queue, running, most }) =>
      running < most && queue.next !== null ? [queue.next] : [],
    );
    if (due.length > 0) this.#sleepUntil(Math.min(...due) as Millis);
  }

  /** A lane that is full is looked at again when one of its checks ends. */
  #startDue(lane: Lane): void {
    const now = this.#options.clock.now();
    while (lane.running < lane.most) {
      const asked = lane.queue.take(now);
      if (asked === undefined) return;
      if (this.#leaving.size > 0 && asked.targets.some(({ id }) => this.#leaving.has(id))) {
        this.#parked.push(asked);
      } else this.#begin(asked, lane, now);
    }
  }

  /** One timer for all; it is moved only to an earlier time. */
  #sleepUntil(at: Millis): void {
    if (!this.#going || (this.#wakeAt !== null && this.#wakeAt <= at)) return;
    clearTimeout(this.#timer);
    this.#wakeAt = at;
    const wait = Math.ceil(at - this.#options.clock.now());
    this.#timer = setTimeout(() => this.#wake(), Math.min(SLEEP_MS_MAX, Math.max(1, wait)));
  }

  #begin(asked: Asked, lane: Lane, now: Millis): void {
    const { facts, probe } = this.#options;
    const [target] = asked.targets;
    const abort = new AbortController();
    asked.abort = abort;
    this.#options.onStart?.(now - asked.slot.nextStart);
    asked.slot = afterStart(asked.slot, now);
    lane.running += 1;
    const run = probe(target, { ...facts(target.id), signal: abort.signal });
    const ended = (async () => {
      const result = await run.result;
      if (!abort.signal.aborted) this.#handOver(asked, result, now);
      await run.ended;
      asked.abort = null;
      this.#endedIn(lane, asked);
    })();
    this.#ending.add(ended);
    void ended.then(() => this.#ending.delete(ended));
  }

  #endedIn(lane: Lane, asked: Asked): void {
    const wasFull = lane.running >= lane.most;
    lane.running -= 1;
    if (asked.gone) this.#left(asked);
    else {
      lane.queue.put(asked.slot.nextStart, asked);
      this.#sleepUntil(asked.slot.nextStart);
    }
    if (wasFull) this.#wake();
  }

  #left(asked: Asked): void {
    for (const { id } of asked.targets) this.#leaving.delete(id);
    const parked = this.#parked;
    this.#parked = [];
    for (const each of parked) {
      if (!each.gone) this.#lane(each).queue.put(each.slot.nextStart, each);
    }
    this.#wake();
  }

  #handOver(asked: Asked, result: CheckResult, started: Millis): void {
    const { clock, onResult, onUncounted } = this.#options;
    const { interval, failingInterval, timeout } = asked.targets[0].check;
    const now = clock.now();
    const lateMs = now - started - timeout;
    const uncounted =
      result.notAsked === true
        ? result.reason
        : result.timedOut === true && lateMs > STALL_MS
          ? `its timeout was noticed ${Math.round(lateMs)} ms late: this daemon itself was stalled`
          : undefined;
    // A server whose last check failed may have an interval of its own.
    const next = result.passed ? interval : (failingInterval ?? interval);
    if (uncounted === undefined) asked.slot = withInterval(asked.slot, next, now);
    for (const target of asked.targets) {
      if (uncounted !== undefined) onUncounted(target, uncounted);
      else onResult(target, result, started);
    }
  }
}

export const createCheckRunner = (options: CheckRunnerOptions): CheckRunner => new Runner(options);
