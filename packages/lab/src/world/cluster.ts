// cluster.ts — one cluster of real servers: real storescp for DICOM, the lab's own server for the rest.
import type { ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Run, runCommand } from "@lbpair/common";
import type { ClusterServerOptions } from "../servers/cluster-server.js";
import { startInNamespace } from "./namespaced-process.js";
import { type ClusterName, ECHO_PORT, namespaceOf, VNA_PORTS } from "./plan.js";

export interface Cluster {
  readonly name: ClusterName;
  readonly namespace: string;
  /** Where storescp puts what it receives. */
  readonly received: string;
  start(): Promise<void>;
  /** Every server ends at once; its ports refuse. */
  fail(): Promise<void>;
}

/** DICOM and the DICOM proxy. */
export const DICOM_PORTS: readonly number[] = [12000, 12100];
/** One process per association; any host, any transfer syntax, any kind of image. */
export const storescpArgv = (port: number, received: string): string[] => [
  ...["storescp", "--fork", "-dhl", "+xa", "-pm", "-aet", "VNA", "-od", received],
  `${port}`,
];

/** What the lab's own server does for a cluster: every port that is not DICOM's. */
export const clusterServerOptions = (name: ClusterName): ClusterServerOptions => ({
  name,
  tcpPorts: [...VNA_PORTS.filter((port) => !DICOM_PORTS.includes(port)), ECHO_PORT],
  udpPorts: [ECHO_PORT],
});

const READY_MS_MAX = 10_000;
const SERVER = fileURLToPath(new URL("../servers/main.js", import.meta.url));

function whenReady(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name}: not ready in time`)), READY_MS_MAX);
    child.once("exit", (code) => reject(new Error(`${name}: ended with code ${code}`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).once("line", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function killInside(run: Run, namespace: string): Promise<void> {
  const { stdout } = await run(["ip", "netns", "pids", namespace]);
  for (const pid of stdout.split(/\s+/).filter((word) => word !== "")) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

export function createCluster(
  labId: string,
  labFolder: string,
  name: ClusterName,
  run: Run = runCommand,
): Cluster {
  const namespace = namespaceOf(labId, name);
  const folder = join(labFolder, name);
  const received = join(folder, "received");
  const startStorescp = (port: number) =>
    startInNamespace(namespace, storescpArgv(port, received), {
      logFile: join(folder, `storescp-${port}.log`),
    });
  return {
    name,
    namespace,
    received,
    async start() {
      await mkdir(received, { recursive: true });
      for (const port of DICOM_PORTS) startStorescp(port);
      const server = startInNamespace(namespace, [
        process.execPath,
        SERVER,
        JSON.stringify(clusterServerOptions(name)),
      ]);
      await whenReady(server, `${name} cluster`);
    },
    fail: () => killInside(run, namespace),
  };
}
