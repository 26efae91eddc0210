// containers.ts — the machines of docker-compose.yml as things to run commands and probes in, and to harm.
import { spawn } from "node:child_process";
import { mustRun, type Run, type RunResult, runCommand } from "@lbpair/common";
import { type ApplianceName, attachProbe, type Probing, probeWords } from "@lbpair/lab";

const PROBE = "/app/packages/lab/dist/probes/main.js";
const COMMAND_MS_MAX = 30_000;

export interface Machines extends Probing {
  exec(machine: string, argv: readonly string[]): Promise<RunResult>;
  /** The interface that carries an address, by its address: names differ from start to start. */
  link(machine: string, address: string): Promise<{ readonly name: string; readonly mac: string }>;
  /** SIGKILL to everything inside; the container's network goes with it. */
  kill(name: ApplianceName): Promise<void>;
  /** Both interfaces down at once, as when power fails: the network of a killed one lives on for a while. */
  cut(name: ApplianceName): Promise<void>;
  /** SIGTERM, and time to hand over. */
  stop(name: ApplianceName): Promise<void>;
  start(name: ApplianceName): Promise<void>;
  /** Every process stops where it is; the kernel goes on by itself. */
  pause(name: ApplianceName): Promise<void>;
  unpause(name: ApplianceName): Promise<void>;
}

interface LinkFacts {
  readonly ifname: string;
  readonly address: string;
  readonly addr_info: readonly { readonly local?: string }[];
}

const LABELS = '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}}';

/** By the name of their service. */
async function containerIds(run: Run): Promise<ReadonlyMap<string, string>> {
  const options = { timeoutMs: COMMAND_MS_MAX };
  const { stdout } = await run(["docker-compose", "ps", "-q"], options);
  const ids = stdout.split("\n").filter((id) => id !== "");
  if (ids.length === 0) return new Map();
  const labels = await mustRun(run, ["docker", "inspect", "--format", LABELS, ...ids], options);
  return new Map(
    labels.stdout.split("\n").map((line): [string, string] => {
      const [service = "", id = ""] = line.split(" ");
      return [service, id];
    }),
  );
}

const SERVICES = ["lb1", "lb2", "primary", "fallback", "client", "router", "far", "watch"];
/** What the lab does with a watcher per network is one container on both here. */
const serviceOf = (machine: string): string => (machine.endsWith("-watch") ? "watch" : machine);

/** Undefined where the containers are not there. */
export async function findMachines(run: Run = runCommand): Promise<Machines | undefined> {
  const ids = await containerIds(run);
  if (!SERVICES.every((service) => ids.has(service))) return undefined;
  const idOf = (machine: string): string => {
    const id = ids.get(serviceOf(machine));
    if (id === undefined) throw new Error(`container: want one of ${SERVICES}, got ${machine}`);
    return id;
  };
  const docker = async (...words: string[]): Promise<void> => {
    await mustRun(run, ["docker", ...words], { timeoutMs: COMMAND_MS_MAX });
  };
  const exec: Machines["exec"] = (machine, argv) =>
    run(["docker", "exec", idOf(machine), ...argv], { timeoutMs: COMMAND_MS_MAX });
  return {
    exec,
    async link(machine, address) {
      const { stdout } = await exec(machine, ["ip", "-j", "address"]);
      const links = JSON.parse(stdout) as LinkFacts[];
      const found = links.find((link) => link.addr_info.some(({ local }) => local === address));
      if (found === undefined) throw new Error(`${machine}: no interface carries ${address}`);
      return { name: found.ifname, mac: found.address };
    },
    // Ends with its input, so it ends with this process too.
    probe(host, kind, options) {
      const words = ["exec", "-i", idOf(host), "node", PROBE, ...probeWords(kind, options)];
      return attachProbe(spawn("docker", words, { stdio: ["pipe", "pipe", "inherit"] }), kind);
    },
    kill: (name) => docker("kill", "--signal", "KILL", idOf(name)),
    async cut(name) {
      const down = ["link set eth0 down", "link set eth1 down"];
      const script = `printf '%s\\n' "$@" | ip -batch -`;
      const result = await exec(name, ["sh", "-c", script, "sh", ...down]);
      if (result.code !== 0) throw new Error(`${name}: cut: ${result.stderr}`);
    },
    stop: (name) => docker("stop", "--time", "10", idOf(name)),
    start: (name) => docker("start", idOf(name)),
    pause: (name) => docker("pause", idOf(name)),
    unpause: (name) => docker("unpause", idOf(name)),
  };
}
