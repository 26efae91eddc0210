// test-appliance.ts — for tests: an appliance of fake daemons, and the real lbpair run against it.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ControlRoutes,
  type ControlServer,
  createControlServer,
  type Daemon,
  type RunResult,
  runCommand,
} from "@lbpair/common";

export const REFERENCE_SERVICES = `# the reference deployment
floatingIps:
  - { label: gateway, address: 192.168.100.254 }
virtualServices:
  - label: VNA
    address: 192.168.200.100
    ports: [12000, 12100, 12200, 12300-12301, 12800, 12950]
    realServers:
      - { label: PrimaryCluster, address: 192.168.100.110 }
    fallback: { address: 192.168.100.120, port: 0 }
    check: { type: external, script: IBM-WHI-iConnect-Enterprise-Archive, interval: 30s, timeout: 10s, failures: 10 }
`;

export const REFERENCE_APPLIANCE = `node: { name: lb1, designation: primary }
peer:
  name: lb2
  paths:
    - { local: 192.168.200.1, peer: 192.168.200.2 }
    - { local: 192.168.100.1, peer: 192.168.100.2 }
  ssh: { address: 192.168.100.2 }
`;

export interface TestAppliance {
  readonly folder: string;
  readonly etc: string;
  serve(daemon: Daemon, routes: ControlRoutes): Promise<ControlServer>;
  write(path: string, content: string, mode?: number): Promise<void>;
  /** The real process: dist/main.js with this appliance's folders. */
  lbpair(...argv: string[]): Promise<RunResult>;
  lbpairWith(env: Readonly<Record<string, string>>, ...argv: string[]): Promise<RunResult>;
  close(): Promise<void>;
}

export const MAIN = join(dirname(fileURLToPath(import.meta.url)), "main.js");

export async function createTestAppliance(): Promise<TestAppliance> {
  const folder = await mkdtemp(join(tmpdir(), "lbpair-cli-"));
  const etc = join(folder, "etc");
  const roots = ["--etc", etc, "--state", join(folder, "state"), "--run", join(folder, "run")];
  const servers: ControlServer[] = [];
  const base = { PATH: process.env.PATH ?? "", TZ: "UTC", LANG: "C.UTF-8", COLUMNS: "100" };
  const lbpairWith: TestAppliance["lbpairWith"] = (env, ...argv) =>
    runCommand([process.execPath, MAIN, ...roots, ...argv], {
      env: { ...base, ...env },
      timeoutMs: 20_000,
    });
  return {
    folder,
    etc,
    async serve(daemon, routes) {
      const server = await createControlServer({
        path: join(folder, "run", `${daemon}.sock`),
        routes,
      });
      servers.push(server);
      return server;
    },
    async write(path, content, mode = 0o644) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { mode });
    },
    lbpair: (...argv) => lbpairWith({}, ...argv),
    lbpairWith,
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
