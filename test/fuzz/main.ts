// main.ts — `npm run fuzz`: the long run, seeded, with what it met and the memory it took.
//
// npm run fuzz [-- --datagrams 10000000 --seed 1]
import { parseArgs } from "node:util";
import { runFuzz } from "./fuzz-run.js";
import { heapGrowthMiB, type MemorySample, sampleMemory } from "./memory.js";
import { cheapSign, hmacSign } from "./signatures.js";
import { runSocketFuzz } from "./socket-run.js";

/** Of all datagrams, those under the real signature; and those through real sockets. */
const HMAC_SHARE = 0.1;
const SOCKET_SHARE = 0.01;
const SOCKET_MAX = 200_000;
const GROWTH_MIB_ALLOWED = 8;
const SAMPLE_EVERY = 500_000;

const { values } = parseArgs({
  options: {
    datagrams: { type: "string", default: "10000000" },
    seed: { type: "string", default: `${Date.now() % 1_000_000_000}` },
  },
});
const datagrams = Number(values.datagrams);
const seed = Number(values.seed);
if (!Number.isSafeInteger(datagrams) || datagrams < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write("usage: npm run fuzz [-- --datagrams N --seed S], both whole numbers\n");
  process.exit(2);
}

const samples: MemorySample[] = [];
const began = performance.now();
let before = 0;
function sample(done: number): void {
  const at = sampleMemory(before + done);
  samples.push(at);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(
    `${at.done} datagrams, ${seconds} s: heap ${at.heapMiB.toFixed(1)} MiB, RSS ${at.rssMiB.toFixed(0)} MiB`,
  );
}
let nextSample = 0;
const onProgress = (done: number): void => {
  // The first round is the warm-up: code is compiled, the recordings fill.
  if (before + done < Math.max(nextSample, 10_000)) return;
  nextSample = before + done + SAMPLE_EVERY;
  sample(done);
};

const totals = new Map<string, number>();
const throughSockets = Math.min(SOCKET_MAX, Math.ceil(datagrams * SOCKET_SHARE));
const real = Math.ceil(datagrams * HMAC_SHARE);
const parts = [
  {
    what: "HMAC-SHA256",
    count: real,
    sign: hmacSign(Buffer.alloc(32, 1)),
    otherSign: hmacSign(Buffer.alloc(32, 2)),
  },
  {
    what: "a cheap signature",
    count: Math.max(0, datagrams - real - throughSockets),
    sign: cheapSign(1),
    otherSign: cheapSign(2),
  },
];
console.log(`seed ${seed}: npm run fuzz -- --datagrams ${datagrams} --seed ${seed}`);
for (const { what, count, sign, otherSign } of parts) {
  console.log(`${count} datagrams under ${what}`);
  const report = runFuzz({ seed, datagrams: count, sign, otherSign, onProgress });
  before += count;
  sample(0);
  console.log(`  ${report.renewals} renewals, ${report.verdictsTaken} verdicts made whole`);
  for (const [outcome, times] of report.outcomes) {
    totals.set(outcome, (totals.get(outcome) ?? 0) + times);
  }
}
const sockets = await runSocketFuzz({ seed, datagrams: throughSockets });
before += sockets.sent;
sample(0);
console.log(`through two sockets: ${sockets.sent} sent, ${sockets.received} received and judged`);
for (const [outcome, times] of [...totals].sort()) {
  console.log(`${outcome.padEnd(40)} ${String(times).padStart(9)}`);
}
const growth = heapGrowthMiB(samples);
console.log(`heap grew by ${growth.toFixed(2)} MiB, allowed ${GROWTH_MIB_ALLOWED}`);
const flat = growth <= GROWTH_MIB_ALLOWED;
console.log(flat ? `clean: ${before} datagrams, seed ${seed}` : "FAILED: memory grew");
process.exitCode = flat ? 0 : 1;
