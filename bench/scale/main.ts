// main.ts — how a forwarder bears thousands of services: load, change, order, status, memory, idling.
//
// npm run bench:scale [-- --services 10000 --seconds 60 --only small,one,mixed]
//
// One appliance without a peer, in a network namespace of its own, without checks and connections.
// Exit code 1 where a target is missed. It needs root, and a machine that does nothing else.
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { type Appliance, createAppliance, pause } from "./appliance.js";
import { type Deployment, deployment } from "./deployment.js";
import {
  describe,
  measureCommand,
  measureIdle,
  measureLoad,
  measureReload,
  measureStatus,
  measureTransaction,
  memoryMb,
  type Spread,
} from "./measures.js";

const TARGETS = { loadMs: 3000, kernelMs: 30, effectMs: 100, idlePercent: 1 } as const;
const MEMORY_MB = { small: 80, large: 300 } as const;
/** What a deployment is when nothing of its start is going on any more. */
const SETTLE_MS = 15_000;

const { values } = parseArgs({
  options: {
    services: { type: "string", default: "10000" },
    seconds: { type: "string", default: "60" },
    only: { type: "string", default: "small,one,mixed" },
  },
});
const SERVICES = Number(values.services);
const SECONDS = Number(values.seconds);

const DEPLOYMENTS: Readonly<Record<string, () => Deployment>> = {
  small: () => deployment("one service", 1, () => 1),
  one: () => deployment("one server each", SERVICES, () => 1),
  mixed: () => deployment("one to eight servers each", SERVICES, (i) => 1 + (i % 8)),
};

let missed = 0;

/** `value` is what is judged; `more` stands beside it. */
function row(what: string, value: number, unit: string, target: number | null, more = ""): void {
  const bad = target !== null && value > target;
  if (bad) missed += 1;
  const shown = value.toFixed(unit === "%" || value < 10 ? 2 : 0);
  const aim = target === null ? "" : `≤ ${target} ${unit}  ${bad ? "MISSED" : "ok"}`;
  console.log(`  ${what.padEnd(46)}${`${shown} ${unit}`.padStart(12)}   ${aim.padEnd(20)}${more}`);
}

const beside = ({ worst }: Spread): string => `worst ${worst.toFixed(0)} ms`;

async function measure(made: Deployment, appliance: Appliance): Promise<void> {
  await pause(SETTLE_MS);
  row(
    "idle processor time, children included",
    await measureIdle(appliance, SECONDS),
    "%",
    TARGETS.idlePercent,
  );
  row("memory after the start", memoryMb(appliance), "MB", null);
  const transaction = await measureTransaction(20);
  row(
    "one change: the kernel's transaction",
    transaction.median,
    "ms",
    TARGETS.kernelMs,
    beside(transaction),
  );
  const reload = await measureReload(appliance, made, 20);
  row(
    "order at the control socket until answered",
    reload.median,
    "ms",
    TARGETS.effectMs,
    beside(reload),
  );
  const command = await measureCommand(appliance, made, 10);
  row(
    "`lbpair halt` typed until it has ended",
    command.median,
    "ms",
    TARGETS.effectMs,
    beside(command),
  );
  const status = await measureStatus(appliance);
  row(
    "status",
    status.tookMs,
    "ms",
    null,
    `${status.answerMb.toFixed(1)} MB, others wait ${status.heldUpMs.toFixed(0)} ms`,
  );
  const load = await measureLoad(appliance, 3);
  row("full load, the table being gone", load.median, "ms", TARGETS.loadMs, beside(load));
  row("start again, the table being there", await appliance.restart(), "ms", null);
  await pause(SETTLE_MS);
  row(
    "memory after all this",
    memoryMb(appliance),
    "MB",
    made.services === 1 ? MEMORY_MB.small : MEMORY_MB.large,
  );
}

const load = loadavg()[0]?.toFixed(1);
console.log(`node ${process.version}, ${cpus().length} processors, load ${load}`);
for (const name of values.only.split(",")) {
  const made = DEPLOYMENTS[name]?.();
  if (made === undefined)
    throw new Error(`want of ${Object.keys(DEPLOYMENTS).join(", ")}, got ${name}`);
  console.log(describe(made));
  const began = performance.now();
  const appliance = await createAppliance(made);
  try {
    row("first start, parsing and loading", performance.now() - began, "ms", null);
    await measure(made, appliance);
  } finally {
    await appliance.close();
  }
}
process.exitCode = missed === 0 ? 0 : 1;
