// lbpair.ts — lbpair's own forwarder on a path: the real daemon, its real rules, further services beside.
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type AppliancePaths,
  appliancePaths,
  controlRequest,
  type ForwarderStatus,
} from "@lbpair/common";
import { type Path, PORTS, type World } from "../world.js";
import type { Product } from "./product.js";

const DAEMON = fileURLToPath(
  new URL("../../../../packages/forwarder/dist/main.js", import.meta.url),
);
const READY_MS_MAX = 120_000;
/** As in the reference deployment. */
export const PORTS_OF_A_FURTHER_SERVICE = 7;

const service = (label: string, vip: string, ports: string, servers: readonly string[]): string =>
  [
    `  - label: ${label}`,
    `    address: ${vip}`,
    `    ports: [${ports}]`,
    "    realServers:",
    ...servers.map((address, i) => `      - { label: r${i}, address: ${address} }`),
    '    check: { type: "on" }',
    "",
  ].join("\n");

/** A service that nobody asks, on an address of its own. */
function further(number: number): string {
  const last = `${number >> 8}.${number & 0xff}`;
  const ports = `12000-${12_000 + PORTS_OF_A_FURTHER_SERVICE - 1}`;
  return service(`further-${number}`, `172.20.${last}`, ports, [`172.21.${last}`]);
}

const servicesText = ({ vip, gateway }: Path, servers: readonly string[], count: number): string =>
  [
    `floatingIps: [ { label: gateway, address: ${gateway} } ]\nvirtualServices:\n`,
    service("web", vip, PORTS.join(", "), servers),
    ...Array.from({ length: count }, (_, i) => further(i)),
  ].join("");

export interface Lbpair {
  readonly paths: AppliancePaths;
  readonly pid: number;
  /** Puts this many further services in force; answers with how long that took from the order on. */
  setServices(further: number): Promise<number>;
  /** An operator's mode of the first server; the same. */
  setMode(mode: "halt" | "online"): Promise<number>;
  status(): Promise<ForwarderStatus>;
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

export async function startLbpair(
  path: Path,
  world: World,
  servers: readonly string[],
): Promise<Lbpair> {
  const root = join(world.folder, path.node.namespace);
  const roots = { etc: join(root, "etc"), state: join(root, "state"), run: join(root, "run") };
  for (const folder of Object.values(roots)) await mkdir(folder, { recursive: true });
  const paths = appliancePaths(roots);
  let serial = 0;
  const write = async (count: number): Promise<void> => {
    serial += 1;
    const folder = join(paths.revisions, `${serial}-bench`);
    await mkdir(join(folder, "health-checks"), { recursive: true });
    await writeFile(join(folder, "services.yaml"), servicesText(path, servers, count));
    const record = { serial, hash: "0123456789abcdef", author: "bench", at: "", reason: "bench" };
    await writeFile(join(folder, "revision.json"), JSON.stringify(record));
    const link = `${paths.running}.new`;
    await rm(link, { force: true });
    await symlink(folder, link);
    await rename(link, paths.running);
  };
  await writeFile(paths.applianceFile, "node: { name: bench, designation: primary }\n");
  await write(0);
  const where = Object.entries(roots).flatMap(([name, value]) => [`--${name}`, value]);
  const child = path.node.spawn([process.execPath, DAEMON, ...where]);
  const ask = (route: string, body?: unknown) =>
    controlRequest(paths.socket("forwarder"), route, body, { timeoutMs: READY_MS_MAX });
  const status = async () => (await ask("GET /status")) as ForwarderStatus;
  const end = performance.now() + READY_MS_MAX;
  for (;;) {
    const ready = await status()
      .then((now) => now.ready)
      .catch(() => false);
    if (ready) break;
    if (performance.now() > end) throw new Error("the forwarder is not ready");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await ask("POST /condition", { condition: "active", peerAlive: false });
  return {
    paths,
    status,
    pid: child.pid ?? 0,
    async setServices(count) {
      await write(count);
      return timed(() => ask("POST /reload"));
    },
    async setMode(mode) {
      const entry = mode === "online" ? "" : "{ service: web, server: r0, mode: halt }";
      await writeFile(paths.modesFile, `modes: [ ${entry} ]\n`);
      return timed(() => ask("POST /reload"));
    },
  };
}

const product = (name: string, title: string, servers: number, count: number): Product => ({
  name,
  title,
  kind: "lbpair",
  async start(path, world) {
    const lbpair = await startLbpair(path, world, path.servers.slice(0, servers));
    if (count > 0) await lbpair.setServices(count);
    return path.vip;
  },
});

export const lbpair = product("lbpair", "lbpair", 1, 0);
export const lbpairThree = product("lbpair-3", "lbpair, three servers", 3, 0);
/** The service that is asked, and so many that nobody asks, all in one table. */
export const oneOf = (count: number): Product =>
  product(`lbpair/${count}`, `lbpair, one of ${count.toLocaleString("en")} services`, 1, count - 1);
