// failover.mjs — how long clients go without an answer: Make Active and a pulled plug, beside the floor.
//
// npm run bench [-- TIMES]     10 of each unless told otherwise; exit code 1 where a target is missed
//
// The probes are ordinary processes of the same machine: what they see when nothing happens is the
// floor, measured in the same run. The heartbeat asks for real-time scheduling by itself.
import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { measureFailover, medianOutageMs, seriesTable } from "../test/dist/lab/failover-figures.js";
import { createReadyPair, skip } from "../test/dist/lab/ready-pair.js";

const TIMES = Number(process.argv[2] ?? 10);

/** As the kernel sees it: SCHED_FIFO or SCHED_RR where the heartbeat got what it asked for. */
function scheduling(pid) {
  try {
    return execFileSync("chrt", ["-p", `${pid}`], { encoding: "utf8" })
      .trim()
      .split("\n")[0];
  } catch {
    return "not known";
  }
}

if (skip !== false) {
  console.log(skip);
  process.exit(1);
}
if (!Number.isInteger(TIMES) || TIMES < 1) {
  console.error(`times: want a whole number from 1, got ${process.argv[2]}`);
  process.exit(2);
}
const world = await createReadyPair();
try {
  const { pid } = world.appliances.lb1.view("heartbeat");
  console.log(
    `node ${process.version}, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)}`,
  );
  console.log(`heartbeat: ${scheduling(pid)}`);
  const all = await measureFailover(world, TIMES);
  console.log(seriesTable(all));
  const missed = all.filter(
    (series) => series.targetMs !== undefined && medianOutageMs(series) > series.targetMs,
  );
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  await world.destroy();
}
