// check-runner.ts — starts each check at its time and hands over what it found.
import type { Clock, Millis } from "@lbpair/common";
import type { Probe, ProbeContext } from "./probe.js";
import { sameQuestion } from "./question.js";
import { afterStart, due, firstSlot, nextWake, type Slot } from "./schedule.js";
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

const isChecked = ({ check }: CheckTarget): boolean => check.type !== "on" && check.type !== "off";

export function createCheckRunner(options: CheckRunnerOptions): CheckRunner {
  const { clock, probe, random } = options;
  const targets = new Map<string, CheckTarget>();
  const slots = new Map<string, Slot>();
  const running = new Map<string, Running>();
  let going = false;
  let timer: NodeJS.Timeout | undefined;

  const runningIds = () => new Set(running.keys());

  const judgeLateness = (target: CheckTarget, result: CheckResult, started: Millis) => {
    const { check } = target;
    const limit = check.type === "on" || check.type === "off" ? 0 : check.timeout;
    const lateMs = clock.now() - started - limit;
    if (result.timedOut === true && lateMs > STALL_MS) options.onStall(target, lateMs);
    else options.onResult(target, result, started);
  };

  const begin = (target: CheckTarget): void => {
    const abort = new AbortController();
    const started = clock.now();
    const run = probe(target, { ...options.facts(target.id), signal: abort.signal });
    const ended = (async () => {
      const result = await run.result;
      if (!abort.signal.aborted) judgeLateness(target, result, started);
      await run.ended;
      running.delete(target.id);
      wake();
    })();
    running.set(target.id, { abort, ended });
  };

  /** Starts what is due, then sleeps until the next start. */
  function wake(): void {
    clearTimeout(timer);
    if (!going) return;
    const now = clock.now();
    for (const id of due(slots, runningIds(), now)) {
      const target = targets.get(id);
      const slot = slots.get(id);
      if (target === undefined || slot === undefined) continue;
      slots.set(id, afterStart(slot, now));
      begin(target);
    }
    const next = nextWake(slots, runningIds());
    if (next === null) return;
    const sleep = Math.min(SLEEP_MS_MAX, Math.max(1, Math.ceil(next - clock.now())));
    timer = setTimeout(wake, sleep);
  }

  return {
    start() {
      going = true;
      wake();
    },
    update(wanted, lastStart) {
      const checked = new Map(wanted.filter(isChecked).map((target) => [target.id, target]));
      for (const [id, target] of targets) {
        const next = checked.get(id);
        if (next !== undefined && sameQuestion(target, next)) continue;
        running.get(id)?.abort.abort();
        targets.delete(id);
        slots.delete(id);
      }
      for (const [id, target] of checked) {
        if (targets.has(id) || target.check.type === "on" || target.check.type === "off") continue;
        const { interval } = target.check;
        const facts = { now: clock.now(), interval, servers: checked.size, random: random() };
        slots.set(id, firstSlot({ ...facts, lastStart: lastStart(id) }));
        targets.set(id, target);
      }
      wake();
    },
    async stop() {
      going = false;
      clearTimeout(timer);
      for (const { abort } of running.values()) abort.abort();
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}
