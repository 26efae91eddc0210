// peer-pair.ts — what every product that only moves addresses has in common: who holds them, its processes, its log.
import { readFile } from "node:fs/promises";
import { APPLIANCES, type ApplianceName, GATEWAY, VIP, type World } from "@lbpair/lab";
import { heldAddresses } from "../world/bench-world.js";
import { processTree } from "../world/process-tree.js";

const POLL_MS = 50;
const LOG_LINES = 40;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Nodes that hold both addresses, and nodes that hold only one. */
export async function holders(world: World): Promise<{ both: ApplianceName[]; half: boolean }> {
  const held = await heldAddresses(world);
  const count = (name: ApplianceName) =>
    [VIP, GATEWAY].filter((address) => held[name].has(address)).length;
  return {
    both: APPLIANCES.filter((name) => count(name) === 2),
    half: APPLIANCES.some((name) => count(name) === 1),
  };
}

/** Waits until one and the same node holds both addresses alone for so long. */
export async function waitOneHolder(
  world: World,
  quietMs: number,
  timeoutMs: number,
): Promise<ApplianceName> {
  const deadline = Date.now() + timeoutMs;
  let since = Date.now();
  let before: ApplianceName | undefined;
  for (;;) {
    const { both, half } = await holders(world);
    const now = both.length === 1 && !half ? both[0] : undefined;
    if (now === undefined || now !== before) since = Date.now();
    before = now;
    if (now !== undefined && Date.now() - since >= quietMs) return now;
    if (Date.now() > deadline) {
      throw new Error(`addresses on ${both.join(" and ") || "no node"} after ${timeoutMs} ms`);
    }
    await pause(POLL_MS);
  }
}

/** Waits until a node holds both addresses, whoever else does. */
export async function waitHolder(
  world: World,
  name: ApplianceName,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holders(world)).both.includes(name)) {
    if (Date.now() > deadline) throw new Error(`${name} holds nothing after ${timeoutMs} ms`);
    await pause(POLL_MS);
  }
}

export const signalTree = (pid: number | undefined, signal: NodeJS.Signals): void => {
  if (pid === undefined) return;
  for (const each of processTree(pid)) {
    try {
      process.kill(each, signal);
    } catch {
      // It ended by itself.
    }
  }
};

export async function lastLines(files: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, "utf8").catch(() => "");
      return `== ${file.split("/").at(-1)}\n${text.split("\n").slice(-LOG_LINES).join("\n")}`;
    }),
  );
  return parts.join("\n");
}
