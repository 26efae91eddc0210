// footprint.mjs — what the heartbeat costs a node where nothing happens: processor time and memory.
//
// npm run bench:footprint [-- --seconds 60 --settle 60]     exit code 1 where a target is missed
//
// A pair at default timings (keepalive 200 ms, two paths). Processor time is the kernel's own account of
// the daemon, of its long-lived helpers (`nft -i`, `ip -batch`, `ip monitor`) and of every command that it
// waited for. A daemon runs for months: what it does ten times a second is compiled in its first minute.
import { readdirSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { createReadyPair, pause, skip } from "../test/dist/lab/ready-pair.js";

const CPU_PERCENT_MAX = 1;
const RSS_MB_MAX = 70;
/** Of a jiffy, the unit of /proc/PID/stat: USER_HZ is 100 on every Linux of ours. */
const JIFFY_MS = 10;

/** Fields of proc(5)'s stat after the command's name, which may hold anything. */
function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [own, waited] = [11, 13].map((i) => (Number(fields[i]) + Number(fields[i + 1])) * JIFFY_MS);
  return { parent: Number(fields[1]), own, waited, name: /\((.*)\)/.exec(text)?.[1] ?? "" };
}

function processes() {
  const found = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      found.set(Number(name), stat(name));
    } catch {
      // It has ended meanwhile; its parent has its time.
    }
  }
  return found;
}

/** The daemon and everything below it. */
function familyOf(pid) {
  const all = processes();
  const family = [pid];
  for (const member of family) {
    for (const [child, { parent }] of all) if (parent === member) family.push(child);
  }
  return family.map((member) => ({ pid: member, ...all.get(member) }));
}

function memoryMb(pid) {
  const kilobytes = (file, key) =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(readFileSync(file, "latin1"))?.[1]);
  return {
    rss: kilobytes(`/proc/${pid}/status`, "VmRSS") / 1024,
    pss: kilobytes(`/proc/${pid}/smaps_rollup`, "Pss") / 1024,
  };
}

function snapshot(pid) {
  const [daemon, ...helpers] = familyOf(pid);
  const total = (list, key) => list.reduce((sum, each) => sum + each[key], 0);
  return {
    at: performance.now(),
    daemonMs: daemon.own,
    // Together: a helper that was replaced between two snapshots is among those waited for.
    childrenMs: total(helpers, "own") + daemon.waited + total(helpers, "waited"),
    ...memoryMb(pid),
    childrenPss: helpers.reduce((sum, each) => sum + memoryMb(each.pid).pss, 0),
  };
}

function rowOf(name, condition, before, after) {
  const wallMs = after.at - before.at;
  const percent = (key) => (100 * (after[key] - before[key])) / wallMs;
  const parts = ["daemonMs", "childrenMs"].map(percent);
  const cpu = parts.reduce((sum, part) => sum + part, 0);
  const ok = cpu <= CPU_PERCENT_MAX && after.rss <= RSS_MB_MAX;
  const cells = [...parts, cpu].map((value) => value.toFixed(2).padStart(9));
  const memory = [after.rss, after.pss, after.childrenPss].map((value) =>
    value.toFixed(1).padStart(8),
  );
  const verdict = ok ? "ok" : "MISSED";
  return {
    ok,
    text: `${`${name} ${condition}`.padEnd(12)}${cells.join("")}${memory.join("")}        ${verdict}`,
  };
}

function wantedSeconds(name, least) {
  const options = { [name]: { type: "string", default: "60" } };
  const value = parseArgs({ options, strict: false }).values[name];
  if (Number(value) >= least) return Number(value);
  console.error(`${name}: want a number of seconds from ${least}, got ${value}`);
  process.exit(2);
}

const seconds = wantedSeconds("seconds", 1);
const settleSeconds = wantedSeconds("settle", 0);
if (skip !== false) {
  console.log(skip);
  process.exit(1);
}
const world = await createReadyPair();
try {
  await pause(settleSeconds * 1000);
  const nodes = await Promise.all(
    Object.values(world.appliances).map(async (appliance) => {
      const { condition, timings, paths } = await appliance.ask("heartbeat", "GET /status");
      const { pid } = appliance.view("heartbeat");
      return { name: appliance.name, condition, timings, paths: paths.length, pid };
    }),
  );
  const [{ timings, paths }] = nodes;
  console.log(
    `node ${process.version}, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)}, ` +
      `keepalive ${timings.keepaliveMs} ms, ${paths} paths, ${seconds} s after ${settleSeconds} s`,
  );
  const before = nodes.map(({ pid }) => snapshot(pid));
  await pause(seconds * 1000);
  const after = nodes.map(({ pid }) => snapshot(pid));
  console.log(`${"".padEnd(12)}   processor time, % of one core     memory, MB`);
  console.log(`${"".padEnd(12)}   daemon children    total     RSS     PSS  children's PSS`);
  const rows = nodes.map(({ name, condition }, i) => rowOf(name, condition, before[i], after[i]));
  for (const row of rows) console.log(row.text);
  console.log(
    `${"target".padEnd(12)}${`≤ ${CPU_PERCENT_MAX}`.padStart(27)}${`≤ ${RSS_MB_MAX}`.padStart(8)}`,
  );
  process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
} finally {
  await world.destroy();
}
