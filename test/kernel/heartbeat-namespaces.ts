// heartbeat-namespaces.ts — two network namespaces joined by a cable, and this process in the first.
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { createRequire } from "node:module";

/** Why these tests cannot run here; undefined where they can. */
export function unsupported(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root: network namespaces";
  for (const command of ["/usr/sbin/nft", "/usr/sbin/ip"]) {
    if (!existsSync(command)) return `needs ${command}`;
  }
  try {
    execFileSync("ip", ["netns", "add", `lbt-${process.pid}-try`], { stdio: "pipe" });
    execFileSync("ip", ["netns", "del", `lbt-${process.pid}-try`], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `needs ip netns: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const CLONE_NEWNET = 0x40000000;
let setns: ((fd: number, type: number) => number) | undefined;
/** Where this process came from; kept open, because nothing else names it. */
let home: number | undefined;

/** Moves the thread that opens sockets and starts commands; /sys stays the old one. */
function enter(fd: number): void {
  if (setns === undefined) {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    setns = koffi.load("libc.so.6").func("int setns(int, int)") as (f: number, t: number) => number;
  }
  if (setns(fd, CLONE_NEWNET) !== 0) throw new Error("cannot enter a network namespace");
}

/** Remembers where this process came from, and enters a namespace. */
export function enterNamed(name: string): void {
  home ??= openSync("/proc/self/ns/net", "r");
  const fd = openSync(`/run/netns/${name}`, "r");
  try {
    enter(fd);
  } finally {
    closeSync(fd);
  }
}

/** Back to where this process came from. */
export function leave(): void {
  if (home !== undefined) enter(home);
}

export interface Cable {
  /** The end this process is in; its link is `e0`, 10.9.0.1/24 and fd00:9::1/64. */
  readonly here: string;
  /** The other end: `e0`, 10.9.0.2/24 and fd00:9::2/64. */
  readonly there: string;
  readonly linkHere: number;
  readonly linkThere: number;
  readonly macHere: string;
  /** Runs `ip …` at the other end. */
  ipThere(...args: string[]): string;
  /**
   * Opens something (a socket, until it is bound) at the other end; what it does later still happens
   * there. Nothing else may be opened meanwhile.
   */
  openThere<T>(open: () => T | Promise<T>): Promise<T>;
  remove(): void;
}

export const ip = (...args: string[]): string =>
  execFileSync("ip", args, { encoding: "utf8", stdio: "pipe" });

interface IpLink {
  readonly ifindex: number;
  readonly address: string;
}

function linkOf(namespace: string): IpLink {
  const [link] = JSON.parse(ip("-n", namespace, "-j", "link", "show", "e0")) as IpLink[];
  if (link === undefined) throw new Error(`no link e0 in ${namespace}`);
  return link;
}

/** Makes both namespaces and enters the first. `remove` leaves it again. */
export function layCable(): Cable {
  const [here, there] = ["a", "b"].map((end) => `lbt-${process.pid}-hba-${end}`);
  if (here === undefined || there === undefined) throw new Error("two ends");
  for (const name of [here, there]) ip("netns", "add", name);
  ip("-n", here, "link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", there);
  for (const [i, name] of [here, there].entries()) {
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "link", "set", "e0", "up");
    ip("-n", name, "addr", "add", `10.9.0.${i + 1}/24`, "dev", "e0");
    ip("-n", name, "addr", "add", `fd00:9::${i + 1}/64`, "dev", "e0", "nodad");
  }
  enterNamed(here);
  const link = linkOf(here);
  return {
    here,
    there,
    linkHere: link.ifindex,
    linkThere: linkOf(there).ifindex,
    macHere: link.address,
    ipThere: (...args) => ip("-n", there, ...args),
    async openThere(open) {
      enterNamed(there);
      try {
        return await open();
      } finally {
        enterNamed(here);
      }
    },
    remove() {
      leave();
      for (const name of [here, there]) ip("netns", "del", name);
    },
  };
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** "median 1.2, p99 2.0, max 3.1 ms of 100" */
export function describeTimes(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(
      2,
    );
  return `median ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms of ${sorted.length}`;
}
