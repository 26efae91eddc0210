// datagrams.test.ts — a bounded part of the fuzz run with each `npm test`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runFuzz } from "./fuzz-run.js";
import { heapGrowthMiB, type MemorySample, sampleMemory } from "./memory.js";
import { cheapSign, hmacSign } from "./signatures.js";
import { runSocketFuzz } from "./socket-run.js";

const seed = Number(process.env.LBPAIR_SEED ?? Date.now() % 1_000_000_000);
const replay = (datagrams: number): string =>
  `npm run fuzz -- --datagrams ${datagrams} --seed ${seed}`;

test("of 100,000 hostile datagrams none counts that may not, and none stays in memory", () => {
  const samples: MemorySample[] = [];
  const report = runFuzz({
    seed,
    datagrams: 100_000,
    sign: cheapSign(1),
    otherSign: cheapSign(2),
    onProgress: (done) => {
      if (done % 20_480 === 0 && done > 0) samples.push(sampleMemory(done));
    },
  });
  const life = [...report.outcomes].filter(([outcome]) => outcome.endsWith(": life"));
  const taken = life.reduce((sum, [, times]) => sum + times, 0);
  const heap = samples.map(({ heapMiB }) => heapMiB.toFixed(1)).join(", ");
  console.log(
    `${replay(100_000)}\n${taken} counted as life, ${report.renewals} renewals, heap MiB ${heap}`,
  );
  assert.ok(taken > 10_000, "the storm hides no living peer");
  assert.ok(report.renewals > 10, "sessions were renewed");
  assert.ok(report.verdictsTaken > 10, "verdicts were made whole");
  assert.ok(heapGrowthMiB(samples) < 4, `heap ${heap}`);
});

test("the same under the real signature", () => {
  const key = (byte: number) => Buffer.alloc(32, byte);
  runFuzz({ seed, datagrams: 15_000, sign: hmacSign(key(1)), otherSign: hmacSign(key(2)) });
});

test("the same through real sockets", async () => {
  const { sent, received } = await runSocketFuzz({ seed, datagrams: 3000 });
  assert.equal(received, sent);
});

test("a seed plays the same run again", () => {
  const run = () =>
    runFuzz({ seed, datagrams: 5000, sign: cheapSign(1), otherSign: cheapSign(2) }).outcomes;
  assert.deepEqual(run(), run());
});
