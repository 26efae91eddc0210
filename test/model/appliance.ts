// appliance.ts — the forwarder under test: the real daemon in this process, which runs in the node's namespace.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AppliancePaths,
  appliancePaths,
  controlRequest,
  createLog,
  type Run,
  systemClock,
} from "@lbpair/common";
import { ForwarderDaemon } from "@lbpair/forwarder";
import { writeRevision } from "../kernel/forwarder-world.js";
import type { DealtHealth } from "./dealt-health.js";
import { modesText, type Setup, servicesText } from "./setup.js";

const EVENTS_SHOWN = 12;

export interface Appliance {
  /** Writes what is to be in force; the daemon is not told. */
  write(setup: Setup): Promise<void>;
  /** The daemon takes it; rejects where it refuses. */
  reload(): Promise<void>;
  /** Writes services.yaml that cannot be used. */
  writeNonsense(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What the daemon said last. */
  lastEvents(): Promise<string>;
  remove(): Promise<void>;
}

export async function createAppliance(health: DealtHealth, run: Run): Promise<Appliance> {
  const folder = await mkdtemp(join(tmpdir(), "lbpair-model-"));
  const roots = {
    etc: join(folder, "etc"),
    state: join(folder, "state"),
    run: join(folder, "run"),
  };
  for (const each of Object.values(roots)) await mkdir(each, { recursive: true });
  const paths: AppliancePaths = appliancePaths(roots);
  await writeFile(paths.applianceFile, "node: { name: node-m, designation: primary }\n");
  const log = createLog("forwarder", "error");
  // It is made to fail often; what comes of that is seen in the packets.
  log.level = "silent";
  let daemon: ForwarderDaemon | null = null;
  let former: string | null = null;
  /** A long run keeps one revision, not each of them. */
  const revise = async (services: string): Promise<void> => {
    const folder = await writeRevision(paths, services);
    if (former !== null) await rm(former, { recursive: true, force: true });
    former = folder;
  };
  const ask = (route: string, body?: unknown) =>
    controlRequest(paths.socket("forwarder"), route, body);
  return {
    async write(setup) {
      await revise(servicesText(setup));
      await writeFile(paths.modesFile, modesText(setup));
    },
    writeNonsense: () => revise("virtualServices: [ { label: half } ]\n"),
    async reload() {
      await ask("POST /reload");
    },
    async start() {
      const { createEngine } = health;
      daemon = await ForwarderDaemon.start({ paths, clock: systemClock, run, log, createEngine });
      await ask("POST /condition", { condition: "active", peerAlive: false });
    },
    async stop() {
      await daemon?.stop();
      daemon = null;
    },
    async lastEvents() {
      const lines = (await readFile(paths.eventsFile("forwarder"), "utf8")).trim().split("\n");
      return lines.slice(-EVENTS_SHOWN).join("\n");
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
