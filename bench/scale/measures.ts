// measures.ts — what a forwarder takes for a load, a change, an order, a status, and for nothing at all.
import { writeFile } from "node:fs/promises";
import { controlRequest } from "@lbpair/common";
import { cpuMs, processTree, residentMb } from "../failover/world/process-tree.js";
import { type Appliance, inside, pause } from "./appliance.js";
import type { Deployment } from "./deployment.js";

/** Of several values: the one in the middle, and the worst. */
export interface Spread {
  readonly median: number;
  readonly worst: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] ?? 0, worst: sorted.at(-1) ?? 0 };
}

/** Somebody deletes the table; the milliseconds from noticing it until it is whole again. */
export async function measureLoad(appliance: Appliance, times: number): Promise<Spread> {
  const took: number[] = [];
  for (let i = 0; i < times; i += 1) {
    // A loss that comes soon after a load of our own is taken for its echo.
    await pause(took.length === 0 ? 0 : 12 * Math.max(...took));
    const { repairs } = (await appliance.status()).table;
    await inside(["nft", "delete", "table", "ip", "lbpair"]);
    for (;;) {
      await pause(50);
      const { table } = await appliance.status();
      if (table.repairs === repairs || !table.present) continue;
      took.push(table.lastRepairMs ?? 0);
      break;
    }
  }
  return spread(took);
}

/** One transaction as the forwarder makes it for one server, nft's own start included. */
export async function measureTransaction(times: number): Promise<Spread> {
  const { stdout } = await inside(
    ["sh", "-c", "nft list map ip lbpair services | grep -m1 -o '172[^:,]* : [0-9a-f:]*'"],
    { timeoutMs: 120_000 },
  );
  const [key = "", value = ""] = stdout.trim().split(" : ");
  const socket = key.replace(/ counter.*/, "");
  const input =
    `delete element ip lbpair services { ${socket} }\n` +
    `add element ip lbpair services { ${socket} : ${value} }\n`;
  const took: number[] = [];
  for (let i = 0; i < times; i += 1)
    took.push((await inside(["nft", "-f", "-"], { input })).tookMs);
  return spread(took);
}

/**
 * From an order until its answer, which comes after the kernel has it: a monitor that tells the moment
 * itself lists the whole ruleset again and again.
 */
async function measureOrder(
  times: number,
  order: (place: number, mode: "halt" | "online") => Promise<unknown>,
): Promise<Spread> {
  const took: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const began = performance.now();
    await order(i >> 1, i % 2 === 0 ? "halt" : "online");
    took.push(performance.now() - began);
    await pause(200);
  }
  return spread(took);
}

/** The modes are written as the replicator writes them, and the forwarder is asked to read them. */
export function measureReload(
  appliance: Appliance,
  { services }: Deployment,
  times: number,
): Promise<Spread> {
  let serial = 1000;
  return measureOrder(times, async (place, mode) => {
    serial += 1;
    const entry = `{ service: svc-${place % services}, server: s0, mode: halt }`;
    const text = `serial: ${serial}\nmodes: [${mode === "halt" ? entry : ""}]\n`;
    await writeFile(appliance.paths.modesFile, text);
    await appliance.reload();
  });
}

export const measureCommand = (
  appliance: Appliance,
  { services }: Deployment,
  times: number,
): Promise<Spread> =>
  measureOrder(times, (place, mode) =>
    appliance.lbpair(mode, `svc-${(100 + place) % services}/s0`),
  );

export interface StatusCost {
  /** Until the whole answer is there. */
  readonly tookMs: number;
  /** Longest that the forwarder left another request unanswered meanwhile. */
  readonly heldUpMs: number;
  readonly answerMb: number;
}

export async function measureStatus(appliance: Appliance): Promise<StatusCost> {
  let done = false;
  let heldUpMs = 0;
  const other = (async () => {
    while (!done) {
      const began = performance.now();
      const socket = appliance.paths.socket("forwarder");
      await controlRequest(socket, "GET /events?after=999999999", undefined, { timeoutMs: 60_000 });
      heldUpMs = Math.max(heldUpMs, performance.now() - began);
      await pause(5);
    }
  })();
  const began = performance.now();
  const status = await appliance.status();
  const tookMs = performance.now() - began;
  done = true;
  await other;
  return { tookMs, heldUpMs, answerMb: JSON.stringify(status).length / 1e6 };
}

/** Processor time of the forwarder and all its children where nothing happens, % of one core. */
export async function measureIdle(appliance: Appliance, seconds: number): Promise<number> {
  const before = cpuMs(processTree(appliance.pid));
  await pause(seconds * 1000);
  return (cpuMs(processTree(appliance.pid)) - before) / (seconds * 10);
}

export const memoryMb = (appliance: Appliance): number => residentMb([appliance.pid]);

export const describe = ({ name, services, servers, ports }: Deployment): string =>
  `${name}: ${services} services, ${ports} ports, ${servers} real servers`;
