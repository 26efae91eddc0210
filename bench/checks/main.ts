// main.ts — how many health checks one core carries: lateness of starts, processor time, memory.
//
// npm run bench:checks [-- --checks 5000 --interval 2000 --seconds 30 --kinds connect,dicom]
//
// In a network namespace of its own, with nothing but loopback; the engine on one processor, the
// servers on another. Exit code 1 where a start was later than a tenth of the interval.
import { fork, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { type CheckConfig, millis, runCommand, systemClock } from "@lbpair/common";
import { type CheckTarget, createHealthEngine } from "@lbpair/forwarder";
import { PORTS, serve } from "./servers.js";

const KINDS = ["connect", "tcp", "http", "dicom", "ping", "silent"] as const;
type Kind = (typeof KINDS)[number];

const { values } = parseArgs({
  options: {
    checks: { type: "string", default: "5000" },
    interval: { type: "string", default: "2000" },
    seconds: { type: "string", default: "20" },
    kinds: { type: "string", default: KINDS.join(",") },
    part: { type: "string" },
  },
});
const CHECKS = Number(values.checks);
const INTERVAL = Number(values.interval);
const SECONDS = Number(values.seconds);
/** First checks, compilation and the first writes of the memory are over by then. */
const SETTLE_MS = 3 * INTERVAL;
const LATE_MS_MAX = INTERVAL / 10;

function checkOf(kind: Kind): CheckConfig {
  const counting = {
    interval: millis(INTERVAL),
    timeout: millis(INTERVAL / 2),
    failures: 3,
    successes: 1,
  };
  switch (kind) {
    case "connect":
      return { type: "connect", ...counting };
    case "tcp":
      return { type: "tcp", send: "PING\r\n", expect: "+PONG", tls: false, ...counting };
    case "silent":
      return { type: "tcp", expect: "never", tls: false, ...counting };
    case "http":
      return {
        ...{ type: "http", method: "GET", path: "/", tls: false },
        ...{ status: { first: 200, last: 200 }, text: "ready" },
        ...counting,
      };
    case "dicom":
      return { type: "dicom", calledAe: "VNA", callingAe: "LBPAIR", tls: false, ...counting };
    case "ping":
      return { type: "ping", ...counting };
    default:
      return kind satisfies never;
  }
}

const targetsOf = (kind: Kind): CheckTarget[] =>
  Array.from({ length: CHECKS }, (_, i) => ({
    id: `service-${i}/server`,
    service: `service-${i}`,
    server: "server",
    vip: "192.0.2.1",
    vports: [{ first: 1, last: 1 }],
    address: `127.${1 + (i >> 16)}.${(i >> 8) & 0xff}.${i & 0xff}`,
    port: kind === "ping" ? 0 : PORTS[kind],
    check: checkOf(kind),
    protocol: "tcp",
  }));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

async function measure(kind: Kind): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "bench-checks-"));
  let late: number[] = [];
  const engine = createHealthEngine({
    clock: systemClock,
    run: runCommand,
    stateFile: join(folder, "verdicts.json"),
    scriptFolder: folder,
    user: "nobody",
    log: {
      info: () => undefined,
      warn: () => undefined,
      error: (...all: unknown[]) => console.error(all),
    },
    event: () => undefined,
    onStart: (lateMs) => late.push(lateMs),
  });
  engine.update(targetsOf(kind));
  engine.start();
  await pause(SETTLE_MS);
  const firstLate = at(
    [...late].sort((a, b) => a - b),
    1,
  );
  late = [];
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const before = process.cpuUsage();
  const began = performance.now();
  await pause(SECONDS * 1000);
  const tookMs = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  loop.disable();
  const starts = late.sort((a, b) => a - b);
  const healthy = [...engine.own().values()].filter(({ health }) => health === "healthy").length;
  const unhealthy = engine.followed().unhealthy.length;
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
  const worst = at(starts, 1);
  const cells = [
    kind,
    Math.round((starts.length * 1000) / tookMs),
    ...[at(starts, 0.5), at(starts, 0.99), worst, firstLate].map((ms) => ms.toFixed(1)),
    ((user + system) / 10 / tookMs).toFixed(1),
    (loop.percentile(99) / 1e6).toFixed(1),
    Math.round(process.memoryUsage().rss / 1e6),
    `${healthy}/${unhealthy}`,
  ];
  console.log(`| ${cells.join(" | ")} |`);
  return worst <= LATE_MS_MAX;
}

/** Itself again, in a network namespace, on one processor. */
function apart(kind: string): boolean {
  const own = [process.execPath, process.argv[1] ?? "", ...process.argv.slice(2), "--part", kind];
  const script = `ip link set lo up && exec taskset -c 0 ${own.map((word) => `'${word}'`).join(" ")}`;
  const { status } = spawnSync("unshare", ["-n", "sh", "-c", script], { stdio: "inherit" });
  return status === 0;
}

if (values.part === "servers") serve();
else if (values.part === undefined) {
  console.log(`${CHECKS} checks, one each ${INTERVAL} ms, ${SECONDS} s`);
  console.log(
    "| kind | starts/s | late p50 ms | p99 | worst | worst at start | CPU % | loop p99 ms | RSS MB | healthy/unhealthy |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|---|");
  const good = values.kinds.split(",").map(apart);
  process.exitCode = good.includes(false) ? 1 : 0;
} else {
  const kind = KINDS.find((each) => each === values.part);
  if (kind === undefined) throw new Error(`want one of ${KINDS.join(", ")}, got ${values.part}`);
  const servers = fork(process.argv[1] ?? "", ["--part", "servers"], {
    execPath: "taskset",
    execArgv: ["-c", "1", process.execPath],
  });
  await pause(1000);
  process.exitCode = (await measure(kind)) ? 0 : 1;
  servers.kill();
}
