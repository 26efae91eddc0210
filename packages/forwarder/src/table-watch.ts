// table-watch.ts — adapter: a long-lived `nft monitor` that says when somebody else touched our table.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { TABLE } from "./rules.js";

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
  /** Whether a process id belongs to an nft of our own. */
  readonly isOwn: (pid: number) => boolean;
  readonly onTrouble: (text: string) => void;
}

const RESTART_MS = 500;
/** Lines of one transaction that are looked at; more cannot say anything else. */
const GENERATION = /^# new generation \d+ by process (\d+)/;

/**
 * Events of a transaction are printed before the line that names the process that did it, so each
 * is judged when that line comes. The deletion of the table itself is judged at once by the same
 * line, which the kernel sends in the same message.
 */
export function watchTable(options: TableWatchOptions): TableWatch {
  let child: ReturnType<typeof spawn> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let lost = false;
  let touched = false;

  const onLine = (line: string): void => {
    const generation = GENERATION.exec(line);
    if (generation === null) {
      if (line === `delete table ${options.table}`) lost = true;
      else if (line.includes(` ${TABLE}`)) touched = true;
      // nft says so itself where its socket overflowed.
      else if (line.includes("lost")) options.onTouched();
      return;
    }
    const foreign = !options.isOwn(Number(generation[1]));
    if (lost && foreign) options.onLost();
    else if (touched && foreign) options.onTouched();
    lost = false;
    touched = false;
  };

  const start = (): void => {
    child = spawn("nft", ["monitor"], { stdio: ["ignore", "pipe", "pipe"] });
    const { stdout, stderr } = child;
    if (stdout !== null) createInterface({ input: stdout }).on("line", onLine);
    stderr?.on("data", (chunk: Buffer) => options.onTrouble(chunk.toString().trim()));
    child.on("error", (error) => options.onTrouble(error.message));
    child.on("close", () => {
      if (stopped) return;
      timer = setTimeout(() => {
        start();
        options.onTouched();
      }, RESTART_MS);
    });
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
