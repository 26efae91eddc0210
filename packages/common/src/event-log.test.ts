// event-log.test.ts — events are bounded, in order, survive restarts and cut lines, and never wait for a disk.
import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  createEventLog,
  EVENTS_FILE_BYTES_MAX,
  EVENTS_KEPT_MAX,
  type EventLog,
} from "./event-log.js";

const folder = await mkdtemp(join(tmpdir(), "lbpair-events-"));
after(() => rm(folder, { recursive: true }));

const open = (name: string, onDiskError?: (error: Error) => void): Promise<EventLog> =>
  createEventLog({
    node: "lb1",
    daemon: "heartbeat",
    file: join(folder, name),
    wall: () => new Date(0),
    ...(onDiskError === undefined ? {} : { onDiskError }),
  });
const names = (log: EventLog): string[] => log.after(0).map((record) => record.event);

test("events are kept in order with rising numbers, told to followers, and read back", async () => {
  const log = await open("a/heartbeat.jsonl");
  const heard: string[] = [];
  const stop = log.follow((record) => heard.push(record.event));
  log.record("info", "one", "first");
  log.record("alarm", "two", "second", { silentMs: 3 });
  stop();
  log.record("info", "three", "third");
  assert.deepEqual(heard, ["one", "two"]);
  assert.deepEqual(
    log.after(1).map((record) => record.seq),
    [2, 3],
  );
  await log.close();
  const again = await open("a/heartbeat.jsonl");
  again.record("info", "four", "fourth");
  assert.deepEqual(
    again.after(0).map((record) => record.seq),
    [1, 2, 3, 4],
  );
  assert.deepEqual(again.after(1)[0]?.facts, { silentMs: 3 });
  await again.close();
});

test("a line cut by a power loss costs that line only", async () => {
  const log = await open("cut.jsonl");
  log.record("info", "whole", "kept");
  await log.close();
  await appendFile(join(folder, "cut.jsonl"), 'null\n5\n{"seq":2,"event":"cu');
  const second = await open("cut.jsonl");
  second.record("info", "next", "kept too");
  await second.close();
  assert.deepEqual(names(await open("cut.jsonl")), ["whole", "next"]);
});

test("memory and file are bounded", async () => {
  const log = await open("big.jsonl");
  for (let i = 0; i < EVENTS_KEPT_MAX + 500; i += 1) log.record("info", `e${i}`, "x".repeat(2000));
  assert.equal(log.after(0).length, EVENTS_KEPT_MAX);
  assert.equal(log.after(0)[0]?.event, "e500");
  await log.close();
  for (let i = 0; i < 3; i += 1) {
    log.record("info", "last", "");
    await log.close();
  }
  const sizes = await Promise.all(
    ["big.jsonl", "big.jsonl.1"].map(async (name) => (await stat(join(folder, name))).size),
  );
  console.log(`file and older file: ${sizes.join(", ")} bytes`);
  assert.ok((sizes[0] ?? 0) < EVENTS_FILE_BYTES_MAX);
});

test("a disk that fails is told once and stops nobody", async () => {
  await writeFile(join(folder, "no-folder"), "");
  const told: string[] = [];
  const log = await open("no-folder/x.jsonl", (error) => told.push(error.message));
  for (let i = 0; i < 20; i += 1) {
    log.record("warn", `e${i}`, "");
    await log.close();
  }
  assert.equal(names(log).length, 20);
  assert.ok(told.length >= 1 && told.length <= 2, told.join("\n"));
});

test("recording does not wait for the disk", async () => {
  const log = await open("fast.jsonl");
  const before = performance.now();
  for (let i = 0; i < 1000; i += 1) log.record("info", "tick", "");
  const tookMs = performance.now() - before;
  console.log(`1000 events recorded in ${tookMs.toFixed(1)} ms`);
  assert.equal(await readFile(join(folder, "fast.jsonl"), "utf8").catch(() => ""), "");
  await log.close();
});
