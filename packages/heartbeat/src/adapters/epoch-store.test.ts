// epoch-store.test.ts — promises of epoch-store.ts.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  EPOCHS_RESERVED,
  type HeartbeatMemory,
  openMemoryStore,
  readBootId,
} from "./epoch-store.js";

const folder = mkdtempSync(join(tmpdir(), "lbpair-memory-"));
const file = join(folder, "memory.json");
after(() => rmSync(folder, { recursive: true }));
const memory = (epoch: number): HeartbeatMemory => ({
  epoch,
  highestEpoch: epoch + 1,
  bootId: "b",
  active: true,
  because: "the peer is silent",
});

test("what was written last is read back, with epochs reserved ahead", async () => {
  const store = await openMemoryStore(folder, { onProblem: assert.fail });
  assert.equal(store.memory, null);
  store.write(memory(7));
  store.write(memory(8));
  await store.settled();
  assert.match(readFileSync(file, "utf8"), /"epoch": "8"/);
  const again = await openMemoryStore(folder, { onProblem: assert.fail });
  assert.deepEqual(again.memory, { ...memory(8), reservedEpoch: 9 + EPOCHS_RESERVED });
});

test("the peer's MACs are kept, without what is none", async () => {
  const peerMacs = ["02:00:00:00:00:01", "02:00:00:00:00:02"];
  const store = await openMemoryStore(folder, { onProblem: assert.fail });
  store.write({ ...memory(8), peerMacs });
  await store.settled();
  const read = async () =>
    (await openMemoryStore(folder, { onProblem: assert.fail })).memory?.peerMacs;
  assert.deepEqual(await read(), peerMacs);
  const text = readFileSync(file, "utf8").replace("02:00:00:00:00:02", "nonsense");
  writeFileSync(file, text);
  assert.deepEqual(await read(), ["02:00:00:00:00:01"]);
});

test("moves of the role by health are kept; a file without them, or with nonsense, is read without", async () => {
  const flaps = { agesMs: [5000, 1], held: true, atMs: 12_345 };
  const store = await openMemoryStore(folder, { onProblem: assert.fail });
  store.write({ ...memory(8), flaps });
  await store.settled();
  const read = async () =>
    (await openMemoryStore(folder, { onProblem: assert.fail })).memory?.flaps;
  assert.deepEqual(await read(), flaps);
  const whole = readFileSync(file, "utf8");
  for (const wrong of ['"agesMs": "x"', '"agesMs": [-1]', '"agesMs": [null]', '"other": []']) {
    writeFileSync(file, whole.replace(/"agesMs": \[[^\]]*\]/, wrong));
    assert.equal(await read(), undefined, wrong);
  }
  writeFileSync(file, whole);
  const many = { agesMs: Array.from({ length: 100 }, () => 86_400_000), held: true, atMs: 1e9 };
  store.write({ ...memory(8), because: "x".repeat(200), flaps: many });
  await store.settled();
  assert.deepEqual(await read(), many);
  store.write(memory(8));
  await store.settled();
});

test("a memory that is not understood is told and treated as none", async () => {
  const whole = readFileSync(file, "utf8");
  for (const text of [
    "",
    "null",
    whole.slice(0, 40),
    whole.replace('"8"', "8"),
    whole.replace('"9"', '"9007199254740993"'),
    whole.replace("active", "asleep"),
    "x".repeat(5000),
  ]) {
    writeFileSync(file, text);
    const problems: string[] = [];
    const store = await openMemoryStore(folder, { onProblem: (problem) => problems.push(problem) });
    console.log(problems[0]?.replace(folder, "…").slice(0, 120));
    assert.equal(store.memory, null);
    assert.equal(problems.length, 1);
  }
});

test("a disk that hangs keeps nobody waiting: the newest memory is written when it wakes", async () => {
  const written: string[] = [];
  let wake: () => void = () => undefined;
  const store = await openMemoryStore(join(folder, "other"), {
    onProblem: assert.fail,
    replace: async (_, text) => {
      written.push(text);
      await new Promise<void>((done) => {
        wake = done;
      });
    },
  });
  for (let epoch = 1; epoch <= 1000; epoch++) store.write(memory(epoch));
  const closed = store.settled();
  assert.equal(written.length, 1);
  wake();
  await new Promise((done) => setImmediate(done));
  wake();
  await closed;
  assert.equal(written.length, 2);
  assert.match(written[1] ?? "", /"epoch": "1000"/);
});

test("a write that fails is told, and the next one is tried", async () => {
  const problems: string[] = [];
  const store = await openMemoryStore(join(folder, "missing"), {
    onProblem: (text) => problems.push(text),
  });
  store.write(memory(1));
  await store.settled();
  store.write(memory(2));
  await store.settled();
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? "", /cannot replace .*ENOENT/);
});

test("this boot has an id that does not change", async () => {
  assert.match(await readBootId(), /^[0-9a-f-]{36}$/);
  assert.equal(await readBootId(), await readBootId());
});

test("an operator's order is remembered until when it holds auto-failback back", async () => {
  rmSync(file, { force: true });
  const store = await openMemoryStore(folder, { onProblem: assert.fail });
  store.write({ ...memory(7), failbackHeldUntil: 1234.5 });
  await store.settled();
  const again = await openMemoryStore(folder, { onProblem: assert.fail });
  assert.equal(again.memory?.failbackHeldUntil, 1234.5);
});

test("however much a command said about why a node is what it is, its claims are remembered", async () => {
  rmSync(file, { force: true });
  const store = await openMemoryStore(folder, { onProblem: assert.fail });
  const many = { agesMs: Array.from({ length: 100 }, () => 86_400_000), held: true, atMs: 1e9 };
  const peerMacs = Array.from({ length: 16 }, (_, i) => `02:00:00:00:00:${10 + i}`);
  store.write({ ...memory(7), because: 'nft said: "\n'.repeat(500), flaps: many, peerMacs });
  await store.settled();
  const again = await openMemoryStore(folder, { onProblem: assert.fail });
  console.log(`a file of ${readFileSync(file).length} bytes`);
  assert.equal(again.memory?.epoch, 7);
});
