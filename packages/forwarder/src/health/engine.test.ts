import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type CheckConfig, millis, runCommand, systemClock } from "@lbpair/common";
import { createHealthEngine, type HealthEngineDeps } from "./engine.js";
import { type Probe, simpleProbe } from "./probe.js";
import {
  closedPort,
  listenOn,
  livingWith,
  openFolder,
  putScript,
  singlePorts,
  targetFor,
} from "./testing.js";
import type { HealthEngine } from "./types.js";

const ID = "VNA/PrimaryCluster";
const quick = { interval: millis(100), timeout: millis(90), failures: 3, successes: 1 };
const connect: CheckConfig = { type: "connect", ...quick };

interface Bench {
  readonly engine: HealthEngine;
  readonly events: string[];
  readonly file: string;
}

function createBench(
  t: TestContext,
  folder: string,
  changes: Partial<HealthEngineDeps> = {},
): Bench {
  const events: string[] = [];
  const file = join(folder, "forwarder", "verdicts.json");
  const quiet = () => undefined;
  const engine = createHealthEngine({
    clock: systemClock,
    run: runCommand,
    stateFile: file,
    scriptFolder: folder,
    user: "nobody",
    log: { info: quiet, warn: quiet, error: quiet },
    event: (_level, event, text) => void events.push(`${event}: ${text}`),
    random: () => 0,
    ...changes,
  });
  t.after(() => engine.stop());
  return { engine, events, file };
}

async function until(what: string, isSo: () => boolean, waitMs = 5000): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!isSo()) {
    if (performance.now() > deadline) assert.fail(`waited ${waitMs} ms in vain until ${what}`);
    await sleep(5);
  }
}

const health = (engine: HealthEngine) => engine.own().get(ID)?.health;

/** A check whose results are whatever the test says, and which counts how many run at once. */
function scripted(says: () => boolean, lastsMs = 0) {
  const seen = { starts: [] as number[], now: 0, most: 0 };
  const probe: Probe = simpleProbe(async () => {
    seen.starts.push(performance.now());
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    if (lastsMs > 0) await sleep(lastsMs);
    seen.now -= 1;
    return { passed: says(), reason: says() ? "fine" : "refused" };
  });
  return { probe, seen };
}

test("a server that stops answering is unhealthy after its failures, and healthy again when it is back", async (t) => {
  const folder = await openFolder(t);
  const port = await listenOn(t);
  const { engine, events } = createBench(t, folder);
  const told: (string | undefined)[] = [];
  engine.onChange(() => told.push(health(engine)));
  engine.update([targetFor(connect, { vports: singlePorts(port) })]);
  assert.deepEqual(engine.followed().unknown, [ID]);
  engine.start();
  await until("healthy", () => health(engine) === "healthy");
  // The same server with one more port, which nobody listens on.
  const closed = await closedPort();
  engine.update([targetFor(connect, { vports: singlePorts(port, closed) })]);
  await until("counting", () => engine.own().get(ID)?.count === 2);
  assert.equal(health(engine), "healthy");
  assert.equal(engine.own().get(ID)?.reason, `closed: ${closed} refused`);
  await until("unhealthy", () => engine.followed().unhealthy.includes(ID));
  engine.update([targetFor(connect, { vports: singlePorts(port) })]);
  await until("healthy again", () => engine.followed().unhealthy.length === 0);
  t.diagnostic(events.join(" | "));
  assert.deepEqual(
    events.map((line) => line.split(":")[0]),
    ["server-healthy", "server-unhealthy", "server-healthy"],
  );
  assert.deepEqual(told.filter((h, i) => h !== told[i - 1]).slice(-3), [
    "healthy",
    "unhealthy",
    "healthy",
  ]);
});

test("starts are one interval apart though a check lasts most of it, never two at once", async (t) => {
  const { probe, seen } = scripted(() => true, 70);
  const { engine } = createBench(t, await openFolder(t), { probe });
  engine.update([targetFor(connect)]);
  engine.start();
  await until("twelve starts", () => seen.starts.length === 12);
  // The very first one is late by the search for what an earlier life left running.
  const whole = (seen.starts[11] ?? 0) - (seen.starts[1] ?? 0);
  t.diagnostic(`ten intervals of 100 ms took ${whole.toFixed(1)} ms, at most ${seen.most} at once`);
  assert(Math.abs(whole - 1000) < 300, `${whole} ms`);
  assert.equal(seen.most, 1);
});

test("a check longer than its interval is never run twice at once, also when asked anew", async (t) => {
  const { probe, seen } = scripted(() => true, 250);
  const { engine } = createBench(t, await openFolder(t), { probe });
  engine.update([targetFor(connect)]);
  engine.start();
  for (let i = 0; i < 10; i += 1) {
    await sleep(50);
    engine.update(i % 2 === 0 ? [] : [targetFor(connect)]);
  }
  assert.equal(seen.most, 1);
});

test("an engine killed while a server is dead begins its next life with the server dead", async (t) => {
  const folder = await openFolder(t);
  const { engine, file } = createBench(t, folder, { probe: scripted(() => false).probe });
  engine.update([targetFor(connect)]);
  engine.start();
  await until("unhealthy", () => engine.followed().unhealthy.includes(ID));
  // What a listener acts on is on disk already: a kill at this instant forgets nothing.
  const stored = JSON.parse(await readFile(file, "utf8"));
  assert.equal(stored.servers[ID].health, "unhealthy");
  const next = createBench(t, folder, { probe: scripted(() => true).probe });
  next.engine.update([targetFor(connect)]);
  assert.deepEqual(next.engine.followed().unhealthy, [ID]);
  assert.equal(next.engine.followed().source, "memory");
  assert.equal(next.engine.own().get(ID)?.reason, "refused");
  next.engine.start();
  await until("healthy by an own check", () => next.engine.followed().source === "own");
  await until("followed", () => next.engine.followed().unhealthy.length === 0);
});

test("no listener hears of a dead server before the disk has", async (t) => {
  const folder = await openFolder(t);
  let alive = true;
  const { engine, file } = createBench(t, folder, { probe: scripted(() => alive).probe });
  const stored: Promise<string>[] = [];
  engine.onChange(() => {
    if (engine.followed().unhealthy.includes(ID)) stored.push(readFile(file, "utf8"));
  });
  engine.update([targetFor(connect)]);
  engine.start();
  await until("healthy", () => health(engine) === "healthy");
  alive = false;
  await until("told", () => stored.length > 0);
  assert.equal(JSON.parse((await stored[0]) ?? "").servers[ID].health, "unhealthy");
});

test("a disk that cannot be written delays no verdict", async (t) => {
  const errors: string[] = [];
  const quiet = () => undefined;
  const log = {
    info: quiet,
    warn: quiet,
    error: (_: unknown, text?: string) => void errors.push(`${text}`),
  };
  const folder = await openFolder(t);
  const stateFile = join(folder, "a", "verdicts.json");
  await writeFile(join(folder, "a"), "a file where a folder should be");
  const { engine, events } = createBench(t, folder, {
    probe: scripted(() => false).probe,
    stateFile,
    log: log as never,
  });
  engine.update([targetFor(connect)]);
  engine.start();
  await until("unhealthy", () => engine.followed().unhealthy.includes(ID), 1500);
  t.diagnostic(`${events[0]} | ${errors[0]}`);
  assert.match(events[0] ?? "", /^verdicts-corrupt/);
  assert.match(errors[0] ?? "", /cannot be remembered/);
});

test("a corrupt memory is reported, ignored and replaced", async (t) => {
  const folder = await openFolder(t);
  const first = createBench(t, folder, { probe: scripted(() => false).probe });
  first.engine.start();
  await writeFile(first.file, '{"format": 1, "servers": {"VNA/Prim');
  const { engine, events, file } = createBench(t, folder, { probe: scripted(() => true).probe });
  engine.update([targetFor(connect)]);
  engine.start();
  t.diagnostic(events.join());
  assert.match(events[0] ?? "", /^verdicts-corrupt: .*JSON/);
  assert.deepEqual(engine.followed().unknown, [ID]);
  await until("healthy", () => engine.followed().unknown.length === 0);
  assert.equal(JSON.parse(await readFile(file, "utf8")).servers[ID].health, "healthy");
});

test("an engine that never learnt its servers leaves the memory as it is", async (t) => {
  const folder = await openFolder(t);
  const first = createBench(t, folder, { probe: scripted(() => false).probe });
  first.engine.update([targetFor(connect)]);
  first.engine.start();
  await until("unhealthy", () => first.engine.followed().unhealthy.includes(ID));
  await first.engine.stop();
  const before = await readFile(first.file, "utf8");
  const second = createBench(t, folder);
  second.engine.start();
  second.engine.setCondition("active", false);
  await second.engine.stop();
  assert.equal(await readFile(first.file, "utf8"), before);
});

test("a passive node follows the active, keeps its verdicts on taking over, then trusts its own", async (t) => {
  const { probe } = scripted(() => true);
  const { engine } = createBench(t, await openFolder(t), { probe });
  const slow = { ...connect, interval: millis(300), successes: 3 } as CheckConfig;
  engine.update([targetFor(slow)]);
  engine.setCondition("passive", true);
  engine.start();
  await until("own healthy", () => health(engine) === "healthy");
  const theirs = { serial: 40, hash: "theirs", unhealthy: [ID], unknown: [] };
  engine.followActive(theirs);
  assert.deepEqual(engine.followed(), { ...theirs, source: "active" });
  engine.setCondition("active", false);
  assert.deepEqual(engine.followed().unhealthy, [ID]);
  assert.equal(engine.followed().source, "active");
  await until("own counts completed", () => engine.followed().source === "own", 2000);
  await until("own followed", () => engine.followed().unhealthy.length === 0);
  assert.equal(engine.followed().serial, 42);
});

test("a timeout noticed after a stall of our own counts for nothing", async (t) => {
  let now = 0;
  const clock = { ...systemClock, now: () => millis(performance.now() + now) };
  let checks = 0;
  const probe = simpleProbe(async () => {
    checks += 1;
    await sleep(20);
    if (checks === 1) return { passed: true, reason: "fine" };
    now += 2000;
    return { passed: false, reason: "no answer within 90 ms", timedOut: true };
  });
  const { engine } = createBench(t, await openFolder(t), { probe, clock });
  engine.update([targetFor({ ...connect, failures: 1 } as CheckConfig)]);
  engine.start();
  await until("some checks", () => checks > 4);
  assert.equal(health(engine), "healthy");
});

test("stopping ends running scripts and leaves nobody behind", async (t) => {
  const folder = await openFolder(t);
  await putScript(folder, "hang", "#!/bin/sh\nsleep 62.0101 & setsid sleep 62.0101 & wait\n");
  const { engine } = createBench(t, folder);
  const times = { interval: millis(30_000), timeout: millis(20_000), failures: 1, successes: 1 };
  engine.update([targetFor({ type: "external", script: "hang", ...times })]);
  engine.start();
  const started = performance.now();
  while ((await livingWith("sleep\x0062.0101")).length < 2 && performance.now() - started < 5000)
    await sleep(20);
  assert.equal((await livingWith("sleep\x0062.0101")).length, 2);
  await engine.stop();
  assert.deepEqual(await livingWith("62.0101"), []);
});
