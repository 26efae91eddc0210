// transition-file.test.ts — the records survive restarts, torn lines and a disk that hangs, within their bounds.
import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { TransitionRecord } from "@lbpair/common";
import {
  openTransitionFile,
  TRANSITIONS_FILE_BYTES_MAX,
  TRANSITIONS_KEPT_MAX,
} from "./transition-file.js";

const folder = mkdtempSync(join(tmpdir(), "lbpair-transitions-"));
after(() => rmSync(folder, { recursive: true }));
const fileOf = (name: string): string => join(folder, name, "transitions.jsonl");

const record = (seq: number, fields: Partial<TransitionRecord> = {}): TransitionRecord => ({
  seq,
  node: "lb1",
  designation: "primary",
  peerName: "lb2",
  kind: "claim",
  rule: "silence",
  because: "the peer has been silent for 1001 ms",
  at: "2026-11-22T18:00:00.000Z",
  from: "passive",
  to: "active",
  outcome: "done",
  epoch: `${seq}`,
  otherEpoch: null,
  beganMs: -1001,
  clock: null,
  situation: {
    ready: true,
    faults: 0,
    lateMaxMs: 0,
    lateP99Ms: 0,
    peer: null,
    timings: { keepaliveMs: 200, warntimeMs: 500, deadtimeMs: 1000, leaseMs: 800 },
    floatingIps: 2,
  },
  paths: [],
  probes: { sent: 16, answeredBefore: 0 },
  marks: [],
  effects: [],
  ...fields,
});

const open = (name: string) => openTransitionFile(fileOf(name), { onProblem: assert.fail });
const seqs = (records: readonly TransitionRecord[]): number[] => records.map(({ seq }) => seq);

test("what was written is read back by the next run, the latest first, and numbering goes on", async () => {
  const first = await open("restart");
  assert.equal(first.nextSeq, 1);
  first.write(record(1));
  first.write(record(2, { outcome: "pending" }));
  first.write(record(2));
  await first.close();
  const again = await open("restart");
  assert.deepEqual(again.latest(10), [record(2), record(1)]);
  assert.deepEqual(seqs(again.latest(1)), [2]);
  assert.equal(again.nextSeq, 3);
});

test("a torn last line costs that line only, and the next one is whole", async () => {
  const first = await open("torn");
  first.write(record(1));
  await first.close();
  const whole = JSON.stringify(record(2));
  for (const length of [1, 40, whole.length - 1]) {
    appendFileSync(fileOf("torn"), whole.slice(0, length));
    const again = await open("torn");
    assert.deepEqual(seqs(again.latest(10)), [1], `cut at ${length}`);
    again.write(record(1, { because: `after ${length}` }));
    await again.close();
    assert.equal((await open("torn")).latest(1)[0]?.because, `after ${length}`);
  }
});

test("lines that are no records are left out: other JSON, other versions, hostile ones", async () => {
  const lines = ["null", "[]", '{"seq":"x"}', '{"seq":1,"node":"lb1"}', "{", "\u0000", ""];
  const first = await open("other");
  first.write(record(3));
  await first.close();
  appendFileSync(fileOf("other"), lines.map((text) => `${text}\n`).join(""));
  assert.deepEqual(seqs((await open("other")).latest(10)), [3]);
});

test("count and size are bounded, on disk and in memory", async () => {
  const padding = "x".repeat(40_000);
  const store = await open("bounded");
  for (let seq = 1; seq <= TRANSITIONS_KEPT_MAX + 30; seq += 1) {
    store.write(record(seq, seq > 20 ? {} : { because: padding }));
    if (seq % 10 === 0) await store.close();
  }
  await store.close();
  const kept = store.latest(1000);
  assert.equal(kept.length, TRANSITIONS_KEPT_MAX);
  assert.equal(kept[0]?.seq, TRANSITIONS_KEPT_MAX + 30);
  for (let round = 0; round < 60; round += 1) {
    store.write(record(TRANSITIONS_KEPT_MAX + 30, { because: `${round} ${padding}` }));
    await store.close();
    assert.ok(statSync(fileOf("bounded")).size <= TRANSITIONS_FILE_BYTES_MAX);
  }
  assert.equal(seqs((await open("bounded")).latest(1000)).length, TRANSITIONS_KEPT_MAX);
});

test("nothing waits for a disk that hangs, and what waits for it is bounded", async () => {
  let release = (): void => undefined;
  const hangs = new Promise<void>((resolve) => {
    release = resolve;
  });
  const written: string[] = [];
  const append = async (_: string, text: string): Promise<void> => {
    await hangs;
    written.push(text);
  };
  const store = await openTransitionFile(fileOf("hangs"), { onProblem: assert.fail, append });
  const began = performance.now();
  store.write(record(1));
  const closing = store.close();
  await new Promise((resolve) => setImmediate(resolve));
  for (let seq = 2; seq <= 3 * TRANSITIONS_KEPT_MAX; seq += 1) store.write(record(seq));
  console.log(
    `${3 * TRANSITIONS_KEPT_MAX} records given in ${(performance.now() - began).toFixed(1)} ms`,
  );
  assert.equal(store.latest(1000).length, TRANSITIONS_KEPT_MAX, "answered from memory");
  release();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await closing;
  const lines = written.join("").trim().split("\n");
  assert.ok(lines.length <= TRANSITIONS_KEPT_MAX + 1, `${lines.length} lines`);
});

test("a disk that fails is told once and not waited for", async () => {
  const told: string[] = [];
  const append = (): Promise<void> => Promise.reject(new Error("EIO"));
  const store = await openTransitionFile(fileOf("fails"), {
    onProblem: (text) => told.push(text),
    append,
  });
  for (const seq of [1, 2, 3]) {
    store.write(record(seq));
    await store.close();
  }
  assert.deepEqual(told, ["EIO"]);
  assert.equal(store.latest(9).length, 3);
});

test("a file that cannot be read is told, and the heartbeat goes on without it", async () => {
  const told: string[] = [];
  const inTheWay = join(folder, "in-the-way");
  writeFileSync(inTheWay, "a file where a folder should be");
  const store = await openTransitionFile(join(inTheWay, "transitions.jsonl"), {
    onProblem: (text) => told.push(text),
  });
  assert.equal(told.length, 1);
  assert.equal(store.nextSeq, 1);
  assert.match(readFileSync(inTheWay, "utf8"), /in the way|a file/);
});
