// replicator-appliance.ts — one appliance in a test: its files, its sshd, its replicator, stand-ins for the rest.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AppliancePaths,
  appliancePaths,
  type ControlServer,
  controlRequest,
  createControlServer,
  type Designation,
  type ReplicatorStatus,
} from "@lbpair/common";
import { MAIN, makeSecrets, makeSshd } from "./replicator-account.js";
import { killAll, pidsIn, until } from "./replicator-tools.js";

const LOG_CHARACTERS_MAX = 200_000;

export interface ApplianceOptions {
  /** The account at the peer, as this appliance.yaml names it. */
  readonly user?: string;
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
  /** Everything that the peer's key hands over here is appended to this file. */
  readonly record?: string;
}

export interface Place {
  readonly base: string;
  readonly letter: "a" | "b";
  readonly namespace: string;
  readonly options: ApplianceOptions;
}

export class Appliance {
  readonly paths: AppliancePaths;
  readonly namespace: string;
  readonly designation: Designation;
  readonly address: string;
  /** Reload requests that the stand-ins of the two other daemons got. */
  readonly reloads: string[] = [];
  /** What the stand-in forwarder answers to its next reloads: an error's text, or nothing. */
  refuseReload: string | undefined;
  log = "";
  private readonly folder: string;
  private readonly options: ApplianceOptions;
  private daemon: ChildProcess | undefined;
  private servers: ControlServer[] = [];

  constructor({ base, letter, namespace, options }: Place) {
    this.folder = join(base, letter);
    this.options = options;
    this.namespace = namespace;
    this.designation = letter === "a" ? "primary" : "secondary";
    const under = (name: string) => join(this.folder, name);
    const paths = appliancePaths({ etc: under("etc"), state: under("state"), run: under("run") });
    this.paths = paths;
    for (const path of [paths.healthChecks, paths.secrets, paths.state, paths.run]) {
      mkdirSync(path, { recursive: true, mode: 0o755 });
    }
    const { stateSize: size } = options;
    if (size !== undefined) {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", paths.state]);
    }
    const [own, other] = letter === "a" ? ["1", "2"] : ["2", "1"];
    const listen = options.listen ?? { address: `192.168.100.${own}`, port: 22 };
    this.address = listen.address;
    writeFileSync(paths.applianceFile, options.appliance ?? this.applianceText(own, other));
    makeSshd(this.folder, listen);
    makeSecrets(paths);
  }

  private applianceText(own: string, other: string): string {
    const { user = "lbpair-sync", more } = this.options;
    return `node: { name: lb${own}, designation: ${this.designation} }
peer:
  name: lb${other}
  paths:
    - { local: 192.168.200.${own}, peer: 192.168.200.${other} }
    - { local: 192.168.100.${own}, peer: 192.168.100.${other} }
  ssh: { address: 192.168.100.${other}, user: ${user} }
${more ?? "replication: { reconcile: '0 0 1 1 *' }\n"}`;
  }

  private listenTo(child: ChildProcess, who: string): void {
    const keep = (chunk: Buffer) => {
      const line = `[${this.designation} ${who}] ${chunk.toString("utf8")}`;
      this.log = `${this.log}${line}`.slice(-LOG_CHARACTERS_MAX);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
  }

  control(route: string, body?: unknown): Promise<unknown> {
    return controlRequest(this.paths.socket("replicator"), route, body, { timeoutMs: 40_000 });
  }

  status(): Promise<ReplicatorStatus> {
    return controlRequest(
      this.paths.socket("replicator"),
      "GET /status",
    ) as Promise<ReplicatorStatus>;
  }

  /** Waits for a state of replication as this node sees it. */
  reaches(state: string): Promise<ReplicatorStatus> {
    const what = `the ${this.designation} is ${state}`;
    return until(
      what,
      () => this.status(),
      (status) => status.peer.state === state,
    );
  }

  /** The text of services.yaml in force. */
  inForce(): string {
    return readFileSync(this.paths.runningServicesFile, "utf8");
  }

  save(text: string, script = "#!/bin/sh\nexit 0\n"): void {
    writeFileSync(this.paths.servicesFile, text);
    writeFileSync(join(this.paths.healthChecks, "IBM-WHI"), script, { mode: 0o755 });
  }

  /** Runs a command in the namespace. */
  exec(argv: readonly string[]): string {
    const all = ["netns", "exec", this.namespace, ...argv];
    return execFileSync("ip", all, { encoding: "utf8", timeout: 15_000 });
  }

  async startSshd(): Promise<void> {
    const argv = ["netns", "exec", this.namespace, "/usr/sbin/sshd", "-D", "-e"];
    argv.push("-f", join(this.folder, "sshd_config"));
    const before = this.log.length;
    const child = spawn("ip", argv, { stdio: ["ignore", "pipe", "pipe"] });
    this.listenTo(child, "sshd");
    await until(
      "sshd listens",
      () => this.log.slice(before),
      (text) => text.includes("Server listening"),
    );
  }

  /** Every sshd here, the listener first. */
  sshds(): number[] {
    return pidsIn(this.namespace).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "sshd";
      } catch {
        return false;
      }
    });
  }

  /** The listener and its children, which serve open connections: a node that is gone has neither. */
  stopSshd(): void {
    killAll(this.sshds());
  }

  async startDaemon(): Promise<void> {
    const { paths, options } = this;
    const argv = ["--uts", "sh", "-c", 'hostname "$1"; shift; exec "$@"', "sh"];
    argv.push(options.hostname ?? "appliance", "ip", "netns", "exec", this.namespace);
    argv.push(process.execPath, MAIN, "--etc", paths.etc, "--state", paths.state);
    argv.push("--run", paths.run);
    const env = { ...process.env, ...options.env };
    const child = spawn("unshare", argv, { stdio: ["ignore", "pipe", "pipe"], env });
    this.daemon = child;
    this.listenTo(child, "replicator");
    const answers = () => this.status().catch(() => undefined);
    const ended = () => child.exitCode !== null || child.signalCode !== null;
    await until(
      "the replicator answers",
      answers,
      (status) => ended() || status !== undefined,
      40_000,
    );
    if (ended()) throw new Error(`the replicator ended at once:\n${this.log.slice(-2000)}`);
  }

  async stopDaemon(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.daemon;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  /** Stand-ins of the forwarder and the heartbeat: they answer /reload and note that they were asked. */
  async standIn(): Promise<void> {
    for (const daemon of ["forwarder", "heartbeat"] as const) {
      const reload = () => {
        this.reloads.push(daemon);
        if (daemon === "forwarder" && this.refuseReload !== undefined) {
          throw new Error(this.refuseReload);
        }
        return { changed: 1 };
      };
      const server = await createControlServer({
        path: this.paths.socket(daemon),
        routes: {
          "POST /reload": reload,
          "GET /status": () => ({ daemon, standIn: true }),
          "GET /events": () => [],
        },
      });
      this.servers.push(server);
    }
  }

  async close(): Promise<void> {
    for (const server of this.servers) await server.close();
    killAll(pidsIn(this.namespace));
    if (this.options.stateSize === undefined) return;
    await until(
      "state/ is free",
      () => execFileSync("umount", [this.paths.state]),
      () => true,
    );
  }
}
