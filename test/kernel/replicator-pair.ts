// replicator-pair.ts — two appliances' replicators, each in a network namespace with a real sshd, for tests.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type AppliancePaths,
  appliancePaths,
  type ControlServer,
  controlRequest,
  createControlServer,
  type Designation,
  type ReplicatorStatus,
} from "@lbpair/common";
import { authorizedKeysLine, makeKeyPair, receiveCommand } from "@lbpair/replicator";

const MAIN = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../../packages/replicator/dist/main.js",
);
const ACCOUNT_ID = 64123;

/** Why these tests cannot run here; undefined where they can. */
export function unsupported(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root: network namespaces and sshd";
  for (const command of ["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen"]) {
    if (!existsSync(command)) return `needs ${command}`;
  }
  try {
    execFileSync("ip", ["netns", "list"]);
    return undefined;
  } catch {
    return "needs ip netns";
  }
}

export interface Names {
  readonly node: string;
  readonly peer: string;
  readonly user: string;
}

export interface ApplianceOptions {
  /** Replaces the lines of appliance.yaml that name things; for canaries. */
  readonly names?: Partial<Names>;
  /** Further lines of appliance.yaml. */
  readonly more?: string;
  /** The whole of appliance.yaml instead. */
  readonly appliance?: string;
  /** Where this node's sshd listens; the reference address and port 22 where absent. */
  readonly listen?: { readonly address: string; readonly port: number };
  /** Host name that the daemon sees. */
  readonly hostname?: string;
  /** Further environment of the daemon. */
  readonly env?: Readonly<Record<string, string>>;
  /** Size of the file system that holds state/, e.g. "200k"; no limit where absent. */
  readonly stateSize?: string;
  /** The forced command's every input byte is appended to this file. */
  readonly record?: string;
}

export interface Appliance {
  readonly paths: AppliancePaths;
  readonly namespace: string;
  readonly designation: Designation;
  readonly address: string;
  /** Reload requests that the stand-ins of the two other daemons got. */
  readonly reloads: string[];
  /** What the stand-in forwarder answers to its next reloads: an error's text, or nothing. */
  refuseReload: string | undefined;
  sshd: ChildProcess | undefined;
  daemon: ChildProcess | undefined;
  log(): string;
  control(route: string, body?: unknown): Promise<unknown>;
  status(): Promise<ReplicatorStatus>;
  startSshd(): Promise<void>;
  stopSshd(): void;
  startDaemon(): Promise<void>;
  stopDaemon(): Promise<void>;
  /** Runs a command in the namespace. */
  exec(argv: readonly string[]): string;
}

export interface Pair {
  readonly base: string;
  readonly primary: Appliance;
  readonly secondary: Appliance;
  close(): Promise<void>;
}

const ip = (...argv: string[]): string => execFileSync("ip", argv, { encoding: "utf8" });

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for something to become true; fails with the last value seen. */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  right: (value: T) => boolean,
  msMax = 10_000,
): Promise<T> {
  const end = Date.now() + msMax;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const value = await ask();
      if (right(value)) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await pause(25);
  }
  return assert.fail(`${what}: not within ${msMax} ms; last seen: ${JSON.stringify(last)} ${last}`);
}

/** services.yaml of the reference deployment, with one thing to vary. */
export const services = (
  weight = 100,
  vip = "192.168.200.100",
): string => `# the reference deployment
floatingIps:
  - { label: gateway, address: 192.168.100.254 }
virtualServices:
  - label: VNA
    address: ${vip}
    ports: [12000, 12100, 12200, 12300-12301, 12800, 12950]
    realServers:
      - { label: PrimaryCluster, address: 192.168.100.110, weight: ${weight} }
    fallback: { address: 192.168.100.120, port: 0 }
    check: { type: external, script: IBM-WHI, interval: 30s, timeout: 10s, failures: 10 }
`;

export const saveCandidate = (
  appliance: Appliance,
  text: string,
  script = "#!/bin/sh\nexit 0\n",
): void => {
  writeFileSync(appliance.paths.servicesFile, text);
  writeFileSync(join(appliance.paths.healthChecks, "IBM-WHI"), script, { mode: 0o755 });
};

function makeNamespace(namespace: string, user: string, home: string): void {
  ip("netns", "add", namespace);
  ip("-n", namespace, "link", "set", "lo", "up");
  const etc = join("/etc/netns", namespace);
  mkdirSync(etc, { recursive: true });
  // The account lives in this namespace's own passwd: the machine's is never touched.
  const add = (name: string, line: string) =>
    writeFileSync(
      join(etc, name),
      `${readFileSync(join("/etc", name), "utf8").trimEnd()}\n${line}\n`,
    );
  add("passwd", `${user}:x:${ACCOUNT_ID}:${ACCOUNT_ID}::${home}:/bin/sh`);
  add("group", `lbpair-sync:x:${ACCOUNT_ID}:`);
  add("shadow", `${user}:*:19000:0:99999:7:::`);
}

const sshdConfig = (
  folder: string,
  address: string,
  port: number,
): string => `ListenAddress ${address}:${port}
HostKey ${folder}/host_key
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile ${folder}/authorized_keys
Subsystem sftp internal-sftp
LogLevel VERBOSE
MaxStartups 50
`;

interface Place {
  readonly base: string;
  readonly letter: "a" | "b";
  readonly namespace: string;
  readonly options: ApplianceOptions;
  readonly names: Names;
}

function writeAppliance(place: Place, paths: AppliancePaths): void {
  const { letter, names, options } = place;
  const [own, other] = letter === "a" ? ["1", "2"] : ["2", "1"];
  writeFileSync(
    paths.applianceFile,
    options.appliance ??
      `node: { name: ${names.node}, designation: ${letter === "a" ? "primary" : "secondary"} }
peer:
  name: ${names.peer}
  paths:
    - { local: 192.168.200.${own}, peer: 192.168.200.${other} }
    - { local: 192.168.100.${own}, peer: 192.168.100.${other} }
  ssh: { address: 192.168.100.${other}, user: ${names.user} }
${options.more ?? "replication: { reconcile: '0 0 1 1 *' }\n"}`,
  );
}

async function makeAppliance(place: Place): Promise<Appliance> {
  const { base, letter, namespace, options, names } = place;
  const folder = join(base, letter);
  const paths = appliancePaths({
    etc: join(folder, "etc"),
    state: join(folder, "state"),
    run: join(folder, "run"),
  });
  for (const path of [
    folder,
    paths.etc,
    paths.healthChecks,
    paths.secrets,
    paths.state,
    paths.run,
  ]) {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  }
  if (options.stateSize !== undefined) {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${options.stateSize}`, "tmpfs", paths.state]);
  }
  writeAppliance(place, paths);
  const { address, port } = options.listen ?? {
    address: letter === "a" ? "192.168.100.1" : "192.168.100.2",
    port: 22,
  };
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "host_key")]);
  writeFileSync(join(folder, "sshd_config"), sshdConfig(folder, address, port));
  let log = "";
  const keepLog = (who: string) => (chunk: Buffer) => {
    log = `${log}[${letter} ${who}] ${chunk.toString("utf8")}`.slice(-200_000);
  };
  const reloads: string[] = [];
  const listen = (child: ChildProcess, who: string) => {
    child.stdout?.on("data", keepLog(who));
    child.stderr?.on("data", keepLog(who));
  };
  const appliance: Appliance = {
    paths,
    namespace,
    designation: letter === "a" ? "primary" : "secondary",
    address,
    reloads,
    refuseReload: undefined,
    sshd: undefined,
    daemon: undefined,
    log: () => log,
    control: (route, body) =>
      controlRequest(paths.socket("replicator"), route, body, { timeoutMs: 40_000 }),
    status: () =>
      controlRequest(paths.socket("replicator"), "GET /status") as Promise<ReplicatorStatus>,
    async startSshd() {
      const child = spawn(
        "ip",
        [
          "netns",
          "exec",
          namespace,
          "/usr/sbin/sshd",
          "-D",
          "-e",
          "-f",
          join(folder, "sshd_config"),
        ],
        { stdio: ["ignore", "pipe", "pipe"] },
      );
      appliance.sshd = child;
      listen(child, "sshd");
      const before = log.length;
      await until(
        "sshd listens",
        () => log.slice(before),
        (text) => text.includes("Server listening"),
      );
    },
    stopSshd() {
      // The listener's children serve open connections: a node that is gone has neither.
      for (const pid of sshdsOf(appliance)) process.kill(pid, "SIGKILL");
    },
    async startDaemon() {
      const argv = ["netns", "exec", namespace, process.execPath, MAIN];
      argv.push("--etc", paths.etc, "--state", paths.state, "--run", paths.run);
      const named = options.hostname ?? "appliance";
      const naming = [
        "--uts",
        "sh",
        "-c",
        'hostname "$1"; shift; exec "$@"',
        "sh",
        named,
        "ip",
        ...argv,
      ];
      const child = spawn("unshare", naming, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...options.env },
      });
      appliance.daemon = child;
      listen(child, "replicator");
      await until("the replicator answers", appliance.status, () => true);
    },
    async stopDaemon() {
      const child = appliance.daemon;
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
    },
    exec: (argv) =>
      execFileSync("ip", ["netns", "exec", namespace, ...argv], {
        encoding: "utf8",
        timeout: 15_000,
      }),
  };
  makeKeys(appliance, names, options);
  return appliance;
}

function makeKeys(appliance: Appliance, names: Names, options: ApplianceOptions): void {
  const { paths } = appliance;
  const folder = dirname(paths.etc);
  const pair = makeKeyPair("replication");
  writeFileSync(paths.replicationKeyFile, pair.privateKey, { mode: 0o600 });
  writeFileSync(join(folder, "replication.pub"), pair.publicKey);
  writeFileSync(paths.heartbeatKeyFile, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
  assert.ok(names.user.length > 0);
  const command = receiveCommand({ node: process.execPath, main: MAIN, run: paths.run });
  if (options.record === undefined) return;
  // Everything the peer's receive command gets, at the very place where SSH hands it over.
  const wrapper = `#!/bin/sh
set -e
echo "$SSH_ORIGINAL_COMMAND" >>${options.record}
tee -a ${options.record} | ${command.join(" ")}
`;
  writeFileSync(join(folder, "recorder"), wrapper, { mode: 0o755 });
  writeFileSync(options.record, "", { mode: 0o666 });
  execFileSync("chmod", ["666", options.record]);
}

/** Lets `guest`'s key in at `host` and pins the host's key at the guest. */
function introduce(host: Appliance, guest: Appliance, options: ApplianceOptions): void {
  const hostFolder = dirname(host.paths.etc);
  const guestFolder = dirname(guest.paths.etc);
  const command =
    options.record === undefined
      ? receiveCommand({ node: process.execPath, main: MAIN, run: host.paths.run })
      : [join(hostFolder, "recorder")];
  const publicKey = readFileSync(join(guestFolder, "replication.pub"), "utf8");
  writeFileSync(join(hostFolder, "authorized_keys"), authorizedKeysLine(publicKey, command));
  const [type, key] = readFileSync(join(hostFolder, "host_key.pub"), "utf8").split(" ");
  writeFileSync(guest.paths.peerHostKeyFile, `${type} ${key}\n`);
}

/** Every sshd of this appliance, the listener first: found by its namespace and name. */
export function sshdsOf(appliance: Appliance): number[] {
  const pids = ip("netns", "pids", appliance.namespace)
    .split("\n")
    .filter((line) => line !== "");
  return pids
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "sshd";
      } catch {
        return false;
      }
    })
    .sort((a, b) => a - b);
}

/** Stand-ins of the forwarder and the heartbeat: they answer /reload and note that they were asked. */
async function standIns(appliance: Appliance): Promise<ControlServer[]> {
  const serve = (daemon: "forwarder" | "heartbeat") =>
    createControlServer({
      path: appliance.paths.socket(daemon),
      routes: {
        "POST /reload": () => {
          appliance.reloads.push(daemon);
          if (daemon === "forwarder" && appliance.refuseReload !== undefined) {
            throw new Error(appliance.refuseReload);
          }
          return { changed: 1 };
        },
        "GET /status": () => ({ daemon, standIn: true }),
        "GET /events": () => [],
      },
    });
  return [await serve("forwarder"), await serve("heartbeat")];
}

function connectNamespaces(a: string, b: string): void {
  for (const [link, network] of [
    ["eth0", "192.168.100"],
    ["eth1", "192.168.200"],
  ] as const) {
    ip("-n", a, "link", "add", link, "type", "veth", "peer", "name", link, "netns", b);
    for (const [namespace, last] of [
      [a, "1"],
      [b, "2"],
    ] as const) {
      ip("-n", namespace, "addr", "add", `${network}.${last}/24`, "dev", link);
      ip("-n", namespace, "link", "set", link, "up");
    }
  }
}

/** Two appliances with sshd, stand-in daemons and, unless told otherwise, running replicators. */
export async function makePair(
  options: {
    readonly a?: ApplianceOptions;
    readonly b?: ApplianceOptions;
    readonly start?: boolean;
  } = {},
): Promise<Pair> {
  const tag = randomBytes(2).toString("hex");
  // Not under /tmp: sshd refuses keys below a folder that everybody may write.
  const base = mkdtempSync("/run/rep-");
  execFileSync("chmod", ["755", base]);
  mkdirSync("/run/sshd", { recursive: true });
  const made: Appliance[] = [];
  const servers: ControlServer[] = [];
  const namespaces = [`rep-${tag}-a`, `rep-${tag}-b`] as const;
  const close = async (): Promise<void> => {
    for (const server of servers) await server.close();
    for (const namespace of namespaces) {
      const pids = (() => {
        try {
          return ip("netns", "pids", namespace)
            .split("\n")
            .filter((line) => line !== "");
        } catch {
          return [];
        }
      })();
      for (const pid of pids) {
        try {
          process.kill(Number(pid), "SIGKILL");
        } catch {
          // Gone already.
        }
      }
      try {
        ip("netns", "del", namespace);
      } catch {
        // It was never made.
      }
      rmSync(join("/etc/netns", namespace), { recursive: true, force: true });
    }
    for (const appliance of made) {
      try {
        execFileSync("umount", ["-q", appliance.paths.state], { stdio: "ignore" });
      } catch {
        // It was no file system of its own.
      }
    }
    rmSync(base, { recursive: true, force: true });
  };
  try {
    for (const [i, letter] of (["a", "b"] as const).entries()) {
      const own = options[letter] ?? {};
      const names: Names = {
        node: own.names?.node ?? `lb${i + 1}`,
        peer: own.names?.peer ?? `lb${2 - i}`,
        user: own.names?.user ?? "lbpair-sync",
      };
      const namespace = namespaces[i as 0 | 1];
      // The account at this node is the one its peer's appliance.yaml names.
      const account = options[letter === "a" ? "b" : "a"]?.names?.user ?? "lbpair-sync";
      makeNamespace(namespace, account, base);
      made.push(await makeAppliance({ base, letter, namespace, options: own, names }));
    }
    connectNamespaces(...namespaces);
    for (const [i, letter] of (["a", "b"] as const).entries()) {
      const listen = options[letter]?.listen;
      if (listen === undefined) continue;
      const namespace = namespaces[i as 0 | 1];
      ip("-n", namespace, "addr", "add", `${listen.address}/24`, "dev", "eth0");
    }
    const [primary, secondary] = made as [Appliance, Appliance];
    introduce(secondary, primary, options.b ?? {});
    introduce(primary, secondary, options.a ?? {});
    for (const appliance of made) {
      servers.push(...(await standIns(appliance)));
      await appliance.startSshd();
      if (options.start !== false) await appliance.startDaemon();
    }
    return { base, primary, secondary, close };
  } catch (error) {
    for (const appliance of made) appendFileSync(2, appliance.log());
    await close();
    throw error;
  }
}
