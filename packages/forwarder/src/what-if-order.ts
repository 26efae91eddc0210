// what-if-order.ts — recorded results judged by another rhythm, as the command line asks it.
import {
  type Problem,
  RefusalError,
  type Rhythm,
  showValue,
  type WhatIfAnswer,
} from "@lbpair/common";
import type { ResultRun } from "./health/result-runs.js";
import type { CheckTarget, HealthEngine } from "./health/types.js";
import { replay } from "./health/what-if.js";

type Raw = Readonly<Record<string, unknown>>;

const MS_MAX = 3_600_000;
const COUNT_MAX = 1000;
/** What may be asked for, within the bounds of the configuration. */
const BOUNDS = {
  interval: [100, MS_MAX],
  failingInterval: [100, MS_MAX],
  failures: [1, COUNT_MAX],
  successes: [1, COUNT_MAX],
} as const;

/** The numbers that are given; those of the present check stand in for the others. */
function readRhythm(body: Raw, present: Rhythm): Rhythm {
  const problems: Problem[] = [];
  const given: Partial<Record<keyof Rhythm, number>> = {};
  for (const [name, [least, most]] of Object.entries(BOUNDS) as [
    keyof Rhythm,
    readonly [number, number],
  ][]) {
    const value = body[name];
    if (value === undefined) continue;
    if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) {
      given[name] = Number(value);
    } else {
      const want = `a whole number, ${least}-${most}`;
      problems.push({ code: "wrong-value", path: name, want, got: showValue(value) });
    }
  }
  if (problems.length > 0) {
    throw new RefusalError(400, "the request is malformed", problems);
  }
  return { ...present, ...given };
}

const presentRhythm = ({ check }: CheckTarget): Rhythm | undefined => {
  if (check.type === "on" || check.type === "off") return undefined;
  const { interval, failingInterval = null, failures, successes } = check;
  return { interval, failingInterval, failures, successes };
};

function answerFor(
  id: string,
  runs: readonly ResultRun[],
  present: Rhythm,
  proposed: Rhythm,
  now: number,
): WhatIfAnswer {
  const sum = (of: readonly ResultRun[]) => of.reduce((all, { count }) => all + count, 0);
  return {
    id,
    recordedFrom: runs[0]?.from ?? null,
    results: sum(runs),
    failed: sum(runs.filter(({ passed }) => !passed)),
    present: replay(runs, present, present.interval, now),
    proposed: replay(runs, proposed, present.interval, now),
  };
}

/** `{service, server?, interval?, failingInterval?, failures?, successes?}`, times in milliseconds. */
export function whatIf(
  body: unknown,
  engine: Pick<HealthEngine, "targets" | "results"> | undefined,
  now: number,
): WhatIfAnswer[] {
  if (engine === undefined) throw new RefusalError(409, "no configuration is in force here");
  const raw = (body ?? {}) as Raw;
  const { service, server } = raw;
  const targets = engine
    .targets()
    .filter((one) => one.service === service && (server === undefined || one.server === server));
  if (targets.length === 0) {
    const name = server === undefined ? `${service}` : `${service}/${server}`;
    throw new RefusalError(404, `there is no server ${name} that is checked here`);
  }
  return targets.flatMap((target) => {
    const present = presentRhythm(target);
    if (present === undefined) return [];
    const proposed = readRhythm(raw, present);
    return [answerFor(target.id, engine.results(target.id, now), present, proposed, now)];
  });
}
