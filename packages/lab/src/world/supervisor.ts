// supervisor.ts — starts an appliance's daemons and starts them again, as systemd would; and harms them on request.
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type AppliancePaths, type Daemon, nodeFlags } from "@lbpair/common";
import { ended, endProcess, hasEnded, startInNamespace } from "./namespaced-process.js";

export const DAEMONS: readonly Daemon[] = ["forwarder", "heartbeat", "replicator"];
/** From a daemon's end to its next start; systemd's default RestartSec. */
export const RESTART_MS = 100;

export interface DaemonView {
  readonly daemon: Daemon;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  readonly frozen: boolean;
  /** How often it was started again. */
  readonly restarts: number;
  /** Whether it is to stay as it is after its end. */
  readonly leftDead: boolean;
}

export interface Supervisor {
  /** From its next start on a daemon runs this program: another release. Left out: this checkout's. */
  install(daemon: Daemon, program?: string): void;
  start(daemon: Daemon): void;
  /** SIGTERM, and no new start. */
  stop(daemon: Daemon): Promise<void>;
  /** SIGKILL. It is started again unless it is to be left dead. */
  kill(daemon: Daemon, options?: { readonly leaveDead?: boolean }): Promise<void>;
  freeze(daemon: Daemon): void;
  thaw(daemon: Daemon): void;
  view(daemon: Daemon): DaemonView;
  /** SIGKILL to all, and no new start. */
  killAll(): Promise<void>;
}

interface Slot {
  child: ChildProcess | undefined;
  timer: NodeJS.Timeout | undefined;
  wanted: boolean;
  frozen: boolean;
  restarts: number;
  program: string;
}

/** The entry of a daemon's package, beside this one in the same checkout. */
export const daemonProgram = (daemon: Daemon): string =>
  fileURLToPath(new URL(`../../../${daemon}/dist/main.js`, import.meta.url));

export function createSupervisor(options: {
  readonly namespace: string;
  readonly paths: AppliancePaths;
  readonly logFile: (daemon: Daemon) => string;
}): Supervisor {
  const { namespace, paths } = options;
  const fresh = (daemon: Daemon): Slot => ({
    child: undefined,
    timer: undefined,
    wanted: false,
    frozen: false,
    restarts: 0,
    program: daemonProgram(daemon),
  });
  const slots: Record<Daemon, Slot> = {
    forwarder: fresh("forwarder"),
    heartbeat: fresh("heartbeat"),
    replicator: fresh("replicator"),
  };
  const launch = (daemon: Daemon): void => {
    const slot = slots[daemon];
    if (slot.child !== undefined && !hasEnded(slot.child)) return;
    const argv = [process.execPath, ...nodeFlags(daemon), slot.program];
    const roots = ["--etc", paths.etc, "--state", paths.state, "--run", paths.run];
    const child = startInNamespace(namespace, [...argv, ...roots], {
      logFile: options.logFile(daemon),
    });
    slot.child = child;
    slot.frozen = false;
    void ended(child).then(() => {
      if (!slot.wanted || slot.child !== child) return;
      slot.restarts += 1;
      slot.timer = setTimeout(() => launch(daemon), RESTART_MS);
    });
  };
  const forget = (slot: Slot): void => {
    slot.wanted = false;
    clearTimeout(slot.timer);
  };
  const signal = (daemon: Daemon, name: NodeJS.Signals): void => {
    const { child } = slots[daemon];
    if (child === undefined || hasEnded(child)) throw new Error(`${daemon}: does not run`);
    child.kill(name);
  };
  const kill: Supervisor["kill"] = async (daemon, { leaveDead = false } = {}) => {
    const slot = slots[daemon];
    if (leaveDead) forget(slot);
    if (slot.child !== undefined) await endProcess(slot.child, "SIGKILL");
  };
  return {
    install(daemon, program = daemonProgram(daemon)) {
      slots[daemon].program = program;
    },
    start(daemon) {
      slots[daemon].wanted = true;
      launch(daemon);
    },
    async stop(daemon) {
      forget(slots[daemon]);
      const { child } = slots[daemon];
      if (child !== undefined) await endProcess(child);
    },
    kill,
    freeze(daemon) {
      signal(daemon, "SIGSTOP");
      slots[daemon].frozen = true;
    },
    thaw(daemon) {
      signal(daemon, "SIGCONT");
      slots[daemon].frozen = false;
    },
    view(daemon) {
      const { child, frozen, restarts, wanted } = slots[daemon];
      const pid = child === undefined || hasEnded(child) ? undefined : child.pid;
      return { daemon, pid, frozen, restarts, leftDead: !wanted };
    },
    async killAll() {
      await Promise.all(DAEMONS.map((daemon) => kill(daemon, { leaveDead: true })));
    },
  };
}
