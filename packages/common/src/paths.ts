// paths.ts — where the files of one appliance lie.
import { join, resolve } from "node:path";

export type Daemon = "forwarder" | "heartbeat" | "replicator";

export interface Roots {
  readonly etc: string;
  readonly state: string;
  readonly run: string;
}

export interface AppliancePaths extends Roots {
  /** The saved candidate, not what is in force. */
  readonly servicesFile: string;
  readonly modesFile: string;
  readonly applianceFile: string;
  readonly healthChecks: string;
  readonly secrets: string;
  readonly heartbeatKeyFile: string;
  readonly replicationKeyFile: string;
  readonly peerHostKeyFile: string;
  /** Symbolic link to the revision in force. */
  readonly running: string;
  readonly runningServicesFile: string;
  readonly runningHealthChecks: string;
  readonly runningRevisionFile: string;
  readonly revisions: string;
  readonly staging: string;
  readonly receiveSocket: string;
  readonly forwarderReadyFile: string;
  /** What the heartbeat recorded of each change of its role. */
  readonly transitionsFile: string;
  socket(daemon: Daemon): string;
  eventsFile(daemon: Daemon): string;
  daemonState(daemon: Daemon): string;
}

export const DEFAULT_ROOTS: Roots = {
  etc: "/etc/lbpair",
  state: "/var/lib/lbpair",
  run: "/run/lbpair",
};

export function appliancePaths(roots: Roots): AppliancePaths {
  const { etc, state, run } = roots;
  const running = join(state, "running");
  return {
    ...roots,
    servicesFile: join(etc, "services.yaml"),
    modesFile: join(etc, "modes.yaml"),
    applianceFile: join(etc, "appliance.yaml"),
    healthChecks: join(etc, "health-checks"),
    secrets: join(etc, "secrets"),
    heartbeatKeyFile: join(etc, "secrets", "heartbeat.key"),
    replicationKeyFile: join(etc, "secrets", "replication.key"),
    peerHostKeyFile: join(etc, "secrets", "peer-host-key"),
    running,
    runningServicesFile: join(running, "services.yaml"),
    runningHealthChecks: join(running, "health-checks"),
    runningRevisionFile: join(running, "revision.json"),
    revisions: join(state, "revisions"),
    staging: join(state, "staging"),
    receiveSocket: join(run, "receive.sock"),
    forwarderReadyFile: join(run, "forwarder.ready"),
    transitionsFile: join(state, "heartbeat", "transitions.jsonl"),
    socket: (daemon) => join(run, `${daemon}.sock`),
    eventsFile: (daemon) => join(state, "events", `${daemon}.jsonl`),
    daemonState: (daemon) => join(state, daemon),
  };
}

/** Wrong words on a daemon's command line. */
export class UsageError extends Error {}

/** Roots from `--etc`, `--state`, `--run`, else LBPAIR_ETC, …, else the defaults; `rest` is what remains. */
export function pathsFrom(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly paths: AppliancePaths; readonly rest: readonly string[] } {
  const roots: { etc: string; state: string; run: string } = {
    etc: env.LBPAIR_ETC ?? DEFAULT_ROOTS.etc,
    state: env.LBPAIR_STATE ?? DEFAULT_ROOTS.state,
    run: env.LBPAIR_RUN ?? DEFAULT_ROOTS.run,
  };
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? "";
    const match = /^--(etc|state|run)(?:=(.+))?$/.exec(word);
    if (match === null) {
      rest.push(word);
      continue;
    }
    let value = match[2];
    if (value === undefined) {
      i += 1;
      value = argv[i];
    }
    if (value === undefined) throw new UsageError(`${word}: want a folder, got nothing`);
    roots[match[1] as keyof Roots] = value;
  }
  return {
    paths: appliancePaths({
      etc: resolve(roots.etc),
      state: resolve(roots.state),
      run: resolve(roots.run),
    }),
    rest,
  };
}
