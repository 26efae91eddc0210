// table-watch.ts — adapter: a long-lived `nft monitor` that says when somebody else touched our table.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { CountedElement } from "./counters.js";
import { parseMonitorLine } from "./monitor-line.js";

export interface TableWatch {
  stop(): void;
}

export interface TableWatchOptions {
  /** `ip lbpair`. */
  readonly table: string;
  /** The table was deleted by somebody: it has to be loaded again at once. */
  readonly onLost: () => void;
  /** Something in the table changed, or events were lost: it has to be compared. */
  readonly onTouched: () => void;
  /** An element went, by whomever, with what it had counted. */
  readonly onRemoved: (element: CountedElement) => void;
  /** Whether a process id belongs to an nft of our own. */
  readonly isOwn: (pid: number) => boolean;
  readonly onTrouble: (text: string) => void;
  /** Replaces the process; for tests. */
  readonly spawn?: () => ChildProcess;
}

const RESTART_MS = 500;
/** A monitor that outlived its killed daemon would wait for ever for an event to fail at. */
const MONITOR = ["setpriv", "--pdeathsig", "KILL", "nft", "monitor"];

const startMonitor = (): ChildProcess => {
  const [command = "", ...words] = MONITOR;
  return spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
};

/**
 * The lines of a transaction are printed before the one that names the process that made it, and
 * are judged when that one comes. Inside a container the kernel may name another pid than ours; then
 * our own changes look foreign, are compared once more, and found in order.
 */
export function watchTable(options: TableWatchOptions): TableWatch {
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let lost = false;
  let touched = false;

  const onLine = (line: string): void => {
    const said = parseMonitorLine(line, options.table);
    if (said === undefined) return;
    if (said.kind === "table-deleted") lost = true;
    else if (said.kind === "events-lost") options.onTouched();
    else if (said.kind === "generation") {
      const foreign = !options.isOwn(said.pid);
      if (lost && foreign) options.onLost();
      else if (touched && foreign) options.onTouched();
      lost = false;
      touched = false;
    } else {
      touched = true;
      if (said.kind === "element-removed") options.onRemoved(said.element);
    }
  };

  const startAgainLater = (): void => {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      start();
      // What happened in between nobody saw.
      options.onTouched();
    }, RESTART_MS);
  };

  const start = (): void => {
    lost = false;
    touched = false;
    try {
      child = (options.spawn ?? startMonitor)();
    } catch (error) {
      // Without memory the failure is thrown, not told; it must not end this daemon.
      options.onTrouble(error instanceof Error ? error.message : String(error));
      startAgainLater();
      return;
    }
    // Without file descriptors there are neither pipes nor a 'close'.
    const { stdout, stderr } = child as Partial<ChildProcess>;
    if (stdout) createInterface({ input: stdout }).on("line", onLine);
    stderr?.on("data", (chunk: Buffer) => options.onTrouble(chunk.toString().trim()));
    child.on("error", (error) => {
      options.onTrouble(error.message);
      startAgainLater();
    });
    child.on("close", startAgainLater);
  };
  start();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      child?.kill();
    },
  };
}
