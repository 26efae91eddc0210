// check-runner.test.ts — one question is asked once, at its time, and never twice at once.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type CheckConfig, type Clock, type Millis, millis } from "@lbpair/common";
import { type CheckRunner, createCheckRunner, SCRIPTS_AT_ONCE_MAX } from "./check-runner.js";
import type { Probe } from "./probe.js";
import { questionKey } from "./question.js";
import { targetFor, times } from "./testing.js";
import type { CheckResult, CheckTarget } from "./types.js";

const clock: Clock = { now: () => millis(performance.now()), wall: () => new Date() };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Played {
  readonly runner: CheckRunner;
  readonly asked: string[];
  readonly results: string[];
  /** Answers the oldest check that runs. */
  answer(passed: boolean, more?: Partial<CheckResult>): Promise<void>;
  waiting(): number;
}

function play(t: TestContext): Played {
  const asked: string[] = [];
  const results: string[] = [];
  const waiting: ((result: CheckResult) => void)[] = [];
  const probe: Probe = (target, { signal }) => {
    asked.push(target.id);
    const result = new Promise<CheckResult>((resolve) => {
      waiting.push(resolve);
      signal.addEventListener("abort", () => {
        waiting.splice(waiting.indexOf(resolve), 1);
        resolve({ passed: false, reason: "ended" });
      });
    });
    return { result, ended: result.then(() => undefined) };
  };
  const runner = createCheckRunner({
    clock,
    probe,
    random: () => 0,
    facts: () => ({ attempt: 1, lastResult: "none" }),
    onResult: (target, { passed }) => results.push(`${target.id} ${passed}`),
    onUncounted: (target, why) => results.push(`${target.id} uncounted: ${why}`),
  });
  t.after(() => runner.stop());
  return {
    runner,
    asked,
    results,
    async answer(passed, more = {}) {
      waiting.shift()?.({ passed, reason: "", ...more });
      await sleep(1);
    },
    waiting: () => waiting.length,
  };
}

const quick = { ...times(50), interval: millis(100) };
const connect: CheckConfig = { type: "connect", ...quick };
const inService = (service: string, changes: Partial<CheckTarget> = {}): CheckTarget =>
  targetFor(connect, { id: `${service}/a`, service, ...changes });

const never = (): Millis | null => null;

test("H1 a server in several services with the same check is asked once; each gets the answer", async (t) => {
  const { runner, asked, results, answer } = play(t);
  const same = [inService("one"), inService("two", { vip: "192.168.200.101" })];
  const counts = inService("three", { check: { ...connect, failures: 2 } });
  const otherPort = inService("other", { port: 99 });
  runner.update([...same, counts, otherPort], never);
  runner.start();
  assert.deepEqual(asked, ["one/a", "other/a"]);
  await answer(true);
  assert.deepEqual(results, ["one/a true", "two/a true", "three/a true"]);
  // Without the first of them the question is still the same, and its timetable goes on.
  runner.update([same[1] ?? counts, counts], never);
  await sleep(120);
  assert.deepEqual(asked.slice(2), ["two/a"]);
  await answer(false);
  assert.deepEqual(results.slice(3), ["two/a false", "three/a false"]);
});

test("what makes two questions different: server, ports, what is asked, how often; never who counts", () => {
  const key = questionKey(inService("one"));
  assert.equal(questionKey(inService("two", { vip: "10.0.0.1", protocol: "both" })), key);
  const others: Partial<CheckTarget>[] = [
    { address: "127.0.0.2" },
    { vports: [{ first: 12000, last: 12002 }] },
    { port: 12000 },
    { check: { ...connect, interval: millis(200) } },
    { check: { ...connect, failingInterval: millis(60) } },
    { check: { type: "ping", ...quick } },
  ];
  for (const change of others) assert.notEqual(questionKey(inService("one", change)), key);
  const script: CheckConfig = { type: "external", script: "x", ...quick };
  const scripted = (service: string) => questionKey(inService(service, { check: script }));
  assert.notEqual(scripted("one"), scripted("two"));
});

test("a check is never started while it runs; a late end starts it at once", async (t) => {
  const { runner, asked, answer } = play(t);
  runner.update([inService("one")], never);
  runner.start();
  await sleep(250);
  assert.equal(asked.length, 1);
  await answer(true);
  await sleep(20);
  assert.equal(asked.length, 2);
});

test("a failing server has an interval of its own, and the usual one again when it passes", async (t) => {
  const { runner, asked, answer } = play(t);
  const check: CheckConfig = { ...connect, interval: millis(30_000), failingInterval: millis(60) };
  runner.update([inService("one", { check })], never);
  runner.start();
  await answer(false);
  await sleep(90);
  assert.equal(asked.length, 2);
  await answer(false);
  await sleep(90);
  assert.equal(asked.length, 3);
  await answer(true);
  await sleep(150);
  assert.equal(asked.length, 3);
});

test("scripts at once are bounded, and do not hold up the others", async (t) => {
  const { runner, asked, answer } = play(t);
  const check: CheckConfig = { type: "external", script: "x", ...times(1000) };
  const scripts = Array.from({ length: SCRIPTS_AT_ONCE_MAX + 5 }, (_, i) =>
    inService(`s${i}`, { check }),
  );
  runner.update([...scripts, inService("socket")], never);
  runner.start();
  await sleep(20);
  assert.equal(asked.filter((id) => id.startsWith("s") && id !== "socket/a").length, 256);
  assert.ok(asked.includes("socket/a"));
  await answer(true);
  await answer(true);
  await sleep(20);
  assert.ok(asked.length > SCRIPTS_AT_ONCE_MAX + 1);
});

test("what could not even be asked counts for nothing, and changes no interval", async (t) => {
  const { runner, asked, results, answer } = play(t);
  const check: CheckConfig = { ...connect, interval: millis(30_000), failingInterval: millis(60) };
  runner.update([inService("one", { check })], never);
  runner.start();
  await answer(false, { notAsked: true, reason: "no room" });
  await sleep(120);
  assert.deepEqual([asked.length, results], [1, ["one/a uncounted: no room"]]);
});

test("a question no longer asked is ended, and its answer reaches nobody", async (t) => {
  const { runner, asked, results } = play(t);
  runner.update([inService("one")], never);
  runner.start();
  runner.update([], never);
  await sleep(150);
  assert.deepEqual([asked.length, results], [1, []]);
});
