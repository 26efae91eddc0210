// loads.ts — what is measured on a path, once: a second of new connections, of requests, of bytes.
import { readFileSync } from "node:fs";
import { IPERF_PORT, type World } from "./world.js";

/** Clients are on one core, the server on the other; what is between them runs on either. */
const CLIENT_CORE = "0";
export const SERVER_CORE = "1";
const OPEN_AT_ONCE = 64;
const KEPT_OPEN = 32;
/** One flow of this many bits a second, to see what it costs. */
export const FIXED_RATE_GBIT = 1;

export interface Load {
  readonly name: string;
  readonly title: string;
  /** Figures of one turn. */
  run(world: World, target: string, seconds: number): Promise<Readonly<Record<string, number>>>;
}

/** Milliseconds of processor time that this machine has spent on anything, all cores together. */
function busyMs(): number {
  const [, ...fields] = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/\s+/);
  const numbers = fields.map(Number);
  const [idle = 0, waiting = 0] = numbers.slice(3, 5);
  // Guests' time is counted in the first two as well.
  const all = numbers.slice(0, 8).reduce((sum, value) => sum + value, 0);
  return (all - idle - waiting) * 10;
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

function wrkFigures(said: string) {
  const requests = Number(/^\s*(\d+) requests in/m.exec(said)?.[1]);
  const perSecond = Number(/^Requests\/sec:\s+([\d.]+)/m.exec(said)?.[1]);
  const [, p99 = "", unit = ""] = /^\s+99%\s+([\d.]+)(us|ms|s)/m.exec(said) ?? [];
  const bad = /^\s*(?:Socket errors|Non-2xx).*/m.exec(said)?.[0]?.trim();
  if (!(requests > 0)) throw new Error(`wrk: ${said}`);
  if (bad !== undefined) throw new Error(`wrk: ${bad}`);
  return { requests, perSecond, p99Ms: Number(p99) * (UNITS[unit] ?? Number.NaN) };
}

async function wrk(world: World, target: string, seconds: number, kept: boolean) {
  const open = `${kept ? KEPT_OPEN : OPEN_AT_ONCE}`;
  const words = ["-t", "1", "-c", open, "-d", `${seconds}s`, "--latency", "--timeout", "5s"];
  const before = busyMs();
  const { stdout } = await world.client.must(
    ...["taskset", "-c", CLIENT_CORE, "wrk", ...words],
    ...(kept ? [] : ["-H", "Connection: close"]),
    `http://${target}/`,
  );
  return { ...wrkFigures(stdout), busy: busyMs() - before };
}

const connections: Load = {
  name: "connections",
  title: "new connections",
  async run(world, target, seconds) {
    const { requests, perSecond, busy } = await wrk(world, target, seconds, false);
    return { "connections/s": perSecond, "CPU ms per 1,000 connections": (busy * 1000) / requests };
  },
};

const requests: Load = {
  name: "requests",
  title: "requests on open connections",
  async run(world, target, seconds) {
    const { perSecond, p99Ms } = await wrk(world, target, seconds, true);
    return { "requests/s": perSecond, "p99 latency ms": p99Ms };
  },
};

async function iperf(world: World, target: string, seconds: number, ...more: string[]) {
  const words = ["-c", target, "-p", `${IPERF_PORT}`, "-t", `${seconds}`, "-J", ...more];
  const { stdout } = await world.client.must("taskset", "-c", CLIENT_CORE, "iperf3", ...words);
  const said = JSON.parse(stdout) as {
    readonly end?: { readonly sum_received?: { readonly bits_per_second?: number } };
  };
  const bits = said.end?.sum_received?.bits_per_second;
  if (bits === undefined) throw new Error(`iperf3: ${stdout.slice(0, 300)}`);
  return bits / 1e9;
}

const bytes: Load = {
  name: "bytes",
  title: "bytes of one flow",
  run: async (world, target, seconds) => ({ "Gbit/s": await iperf(world, target, seconds) }),
};

const fixed: Load = {
  name: "fixed",
  title: `${FIXED_RATE_GBIT} Gbit/s, whatever it costs`,
  async run(world, target, seconds) {
    const [before, began] = [busyMs(), performance.now()];
    const reached = await iperf(world, target, seconds, "-b", `${FIXED_RATE_GBIT}G`);
    if (reached < FIXED_RATE_GBIT * 0.9) throw new Error(`only ${reached.toFixed(2)} Gbit/s`);
    const share = ((busyMs() - before) * 100) / (performance.now() - began);
    return { [`CPU % of a core at ${FIXED_RATE_GBIT} Gbit/s`]: share };
  },
};

export const LOADS: readonly Load[] = [connections, requests, bytes, fixed];
