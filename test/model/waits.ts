// waits.ts — what has to be so in the kernel before the game goes on.
import { setTimeout as pause } from "node:timers/promises";
import type { Run } from "@lbpair/common";
import type { Flow } from "./model.js";

const WAIT_MS_MAX = 10_000;
const EVERY_MS = 10;

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + WAIT_MS_MAX;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${WAIT_MS_MAX} ms`);
    await pause(EVERY_MS);
  }
}

/** A deleted table is back. */
export const waitForTable = (run: Run): Promise<void> =>
  until("the table is loaded again", async () => {
    const { code } = await run(["nft", "-s", "list", "chain", "ip", "lbpair", "to_server"]);
    return code === 0;
  });

/** Elements that somebody took from a map of the table are back. */
export const waitForElements = (run: Run, map: string): Promise<void> =>
  until(`the map ${map} is filled again`, async () => {
    const { stdout } = await run(["nft", "list", "map", "ip", "lbpair", map]);
    return stdout.includes("elements");
  });

/** Connections dealt in turns are found by a look every second, and pinned. */
export async function waitForPins(run: Run, flows: readonly Flow[]): Promise<void> {
  const keys = flows.map(
    ({ client, clientPort, vip, vipPort }) => `${client} . ${clientPort} . ${vip} . ${vipPort}`,
  );
  if (keys.length === 0) return;
  await until("every connection dealt in turns is pinned", async () => {
    const { stdout } = await run(["nft", "list", "map", "ip", "lbpair", "pins"]);
    return keys.every((key) => stdout.includes(key));
  });
}
