// address-watch.ts — hears at once when somebody changes this node's addresses or links.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { type LinkEvent, parseMonitorLine } from "./link-event.js";

export interface AddressWatch {
  /** Times `ip monitor` had to be started again. */
  readonly restarts: number;
  close(): void;
}

const RESTART_MS = 200;
/** By then ip has opened its netlink socket; it takes two or three milliseconds on a quiet machine. */
const GAP_AFTER_SPAWN_MS = 50;
/** A line is some 150 bytes; what has no end of line by then is none of ip's. */
const LINE_BYTES_MAX = 16_384;

/**
 * Starts `ip monitor` and hands over its events. `onGap` is called whenever it starts (the first
 * time too): what happened before is unknown, so the caller looks for itself.
 */
export function createAddressWatch(options: {
  readonly onEvent: (event: LinkEvent) => void;
  readonly onGap: () => void;
  /** How `ip monitor` is started; for tests. */
  readonly argv?: readonly string[];
}): AddressWatch {
  const [command = "ip", ...rest] = options.argv ?? ["ip", "-o", "monitor", "address", "link"];
  let child: ChildProcessByStdio<null, Readable, null> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let started = 0;
  let closed = false;

  const start = () => {
    const born = spawn(command, rest, { stdio: ["ignore", "pipe", "ignore"] });
    child = born;
    started += 1;
    let kept = "";
    born.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (kept + chunk).split("\n");
      kept = (lines.pop() ?? "").slice(-LINE_BYTES_MAX);
      for (const line of lines) {
        const event = closed ? undefined : parseMonitorLine(line);
        if (event !== undefined) options.onEvent(event);
      }
    });
    const lost = () => {
      if (closed || child !== born) return;
      child = undefined;
      clearTimeout(timer);
      timer = setTimeout(start, RESTART_MS);
    };
    born.on("error", lost);
    born.on("exit", lost);
    born.on("spawn", () => {
      if (!closed) timer = setTimeout(options.onGap, GAP_AFTER_SPAWN_MS);
    });
  };
  start();
  return {
    get restarts() {
      return started - 1;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      child?.kill("SIGKILL");
    },
  };
}
