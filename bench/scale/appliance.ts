// appliance.ts — one appliance without a peer in a network namespace of its own: a forwarder and a replicator.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AppliancePaths,
  appliancePaths,
  controlRequest,
  type Daemon,
  type ForwarderStatus,
  mustRun,
  type RunOptions,
  type RunResult,
  runCommand,
} from "@lbpair/common";
import { daemonProgram } from "@lbpair/lab";
import { BACK, type Deployment, FRONT } from "./deployment.js";

const NAMESPACE = `lbb-${process.pid}-scale`;
const CLI = new URL("../../../packages/cli/dist/main.js", import.meta.url).pathname;
const ANSWER_MS_MAX = 120_000;

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export const inside = (argv: readonly string[], options?: RunOptions): Promise<RunResult> =>
  mustRun(runCommand, ["ip", "netns", "exec", NAMESPACE, ...argv], options);

const spawnInside = (argv: readonly string[]): ChildProcess =>
  spawn("ip", ["netns", "exec", NAMESPACE, ...argv], { stdio: ["ignore", "pipe", "inherit"] });

export interface Appliance {
  readonly paths: AppliancePaths;
  /** Process id of the forwarder. */
  readonly pid: number;
  status(): Promise<ForwarderStatus>;
  reload(): Promise<unknown>;
  lbpair(...words: string[]): Promise<RunResult>;
  /** Starts the forwarder again; answers with the milliseconds until it was ready. */
  restart(): Promise<number>;
  close(): Promise<void>;
}

async function createNamespace(): Promise<void> {
  await mustRun(runCommand, ["ip", "netns", "add", NAMESPACE]);
  const input = [
    "link set lo up",
    "link add eth0 type veth peer name servers",
    "link add eth1 type veth peer name clients",
    "link set servers up",
    "link set clients up",
    `addr add ${BACK} dev eth0`,
    `addr add ${FRONT} dev eth1`,
    "link set eth0 up",
    "link set eth1 up",
  ].join("\n");
  await mustRun(runCommand, ["ip", "-n", NAMESPACE, "-batch", "-"], { input: `${input}\n` });
}

async function writeFiles(paths: AppliancePaths, { yaml }: Deployment): Promise<void> {
  const folder = join(paths.revisions, "1-bench");
  await mkdir(join(folder, "health-checks"), { recursive: true });
  for (const each of [paths.etc, paths.state]) await mkdir(each, { recursive: true });
  await writeFile(paths.applianceFile, "node: { name: bench, designation: primary }\n");
  await writeFile(join(folder, "services.yaml"), yaml);
  const record = { serial: 1, hash: "0123456789abcdef", author: "bench", at: "", reason: "" };
  await writeFile(join(folder, "revision.json"), JSON.stringify(record));
  await symlink(folder, paths.running);
}

/** Everything up: the table is loaded when this resolves. */
export async function createAppliance(deployment: Deployment): Promise<Appliance> {
  const root = await mkdtemp(join(tmpdir(), "lbpair-scale-"));
  const roots = { etc: join(root, "etc"), state: join(root, "state"), run: join(root, "run") };
  const paths = appliancePaths(roots);
  const words = Object.entries(roots).flatMap(([key, value]) => [`--${key}`, value]);
  const daemons = new Map<Daemon, ChildProcess>();
  const start = (daemon: Daemon): void => {
    const child = spawnInside([process.execPath, daemonProgram(daemon), ...words]);
    child.stdout?.resume();
    daemons.set(daemon, child);
  };
  const end = async (daemon: Daemon): Promise<void> => {
    const child = daemons.get(daemon);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await ended;
  };
  const ask = (route: string) =>
    controlRequest(paths.socket("forwarder"), route, undefined, { timeoutMs: ANSWER_MS_MAX });
  /** The ready file is looked at: a status would have the table listed meanwhile. */
  const untilReady = async (): Promise<number> => {
    const began = performance.now();
    while (!existsSync(paths.forwarderReadyFile)) {
      if (performance.now() - began > ANSWER_MS_MAX) throw new Error("the forwarder is not ready");
      await pause(10);
    }
    return performance.now() - began;
  };
  const close = async (): Promise<void> => {
    for (const daemon of daemons.keys()) await end(daemon);
    await runCommand(["ip", "netns", "delete", NAMESPACE]);
    await rm(root, { recursive: true, force: true });
  };
  try {
    await createNamespace();
    await writeFiles(paths, deployment);
    start("forwarder");
    start("replicator");
    await untilReady();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    paths,
    get pid() {
      return daemons.get("forwarder")?.pid ?? 0;
    },
    status: async () => (await ask("GET /status")) as ForwarderStatus,
    reload: () => ask("POST /reload"),
    lbpair: (...verb) =>
      inside([process.execPath, CLI, ...words, ...verb], { timeoutMs: ANSWER_MS_MAX }),
    async restart() {
      await end("forwarder");
      await rm(paths.forwarderReadyFile, { force: true });
      start("forwarder");
      return untilReady();
    },
    close,
  };
}
