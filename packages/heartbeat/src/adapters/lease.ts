// lease.ts — the kernel's permission to answer for the floating IPs, which lapses by itself.
import { release } from "node:os";
import { CommandError, mustRun, type Run } from "@lbpair/common/light";
import type { LeaseAnswer } from "../core/lease-book.js";
import type { VirtualMac } from "../core/virtual-mac.js";
import {
  GATE_TABLE,
  type GateHook,
  type GateLink,
  type GateWanted,
  gateScript,
  gateTables,
  NO_TABLE,
  type PresentTable,
  presentShape,
  wantedShape,
} from "./gate.js";
import {
  grantLine,
  type LeaseLength,
  parseLease,
  refresher,
  revokeLine,
  shutLine,
  throughLine,
} from "./lease-line.js";
import { createNftSession, type NftAnswer } from "./nft-session.js";

export interface Lease {
  /**
   * Creates the gate's table, or changes only what differs; an unexpired lease goes on. Throws
   * CommandError where nft refuses, and where a link is gone.
   */
  open(
    links: readonly string[],
    floatingIps: readonly string[],
    virtual?: readonly VirtualMac[],
  ): Promise<{ changed: boolean }>;
  /** Gives the lease, whether or not there is one. Never "lapsed". */
  grant(length: LeaseLength): Promise<LeaseAnswer>;
  /** Makes an existing lease end `length` from now. Never revives one that has ended. */
  refresh(length: LeaseLength): Promise<LeaseAnswer>;
  /** From now on nothing is answered. "held" means that the kernel took it. */
  revoke(): Promise<LeaseAnswer>;
  /** Lets through what arrives for a virtual MAC, for so long; null = from now on open TCP connections only. */
  letThrough(length: LeaseLength | null): Promise<LeaseAnswer>;
  /** What is left; works before `open`, for a daemon that starts. */
  remaining(): Promise<LeaseLength | null>;
  /** Which hook carries the gate; undefined before `open`. On "output" an announcer asks first. */
  readonly hook: GateHook | undefined;
  /** What nft last refused, for status and events. */
  readonly lastRefusal: string;
  /** Times another nft had to take over from a lost one. */
  readonly restarts: number;
  /** Lines without an answer whose nft has not ended: each may still be done, once. */
  readonly unsettled: number;
  /** Starts the shells and their nft: from now on only a lost shell is forked again. */
  prepare(): void;
  /** Ends the children; table and lease stay. */
  close(): void;
}

/** Longest wait for nft's answer; a refresh takes one or two milliseconds. */
export const LEASE_ANSWER_MS = 150;
const OPEN_TIMEOUT_MS = 3000;
const NO_EGRESS =
  "a virtual MAC needs nftables' netdev egress hook (Linux 5.16), which is not there";

export interface LeaseOptions {
  readonly run: Run;
  readonly answerMs?: number;
  /** Default: egress where this kernel has it, found by trying. */
  readonly hook?: GateHook;
  /** Version of the kernel; default: this one's. */
  readonly kernel?: string;
  /** How nft is started; for tests. */
  readonly sessionArgv?: readonly string[];
}

const listTable = (run: Run, family: string) =>
  run(["nft", "-j", "list", "table", family, GATE_TABLE], { timeoutMs: OPEN_TIMEOUT_MS });

/** Whether this kernel and this nft know the hook; asked of the loopback device, changing nothing. */
async function egressWorks(run: Run): Promise<boolean> {
  const chain = 'chain try { type filter hook egress device "lo" priority 0; }';
  const probe = `table netdev lbpair_probe { ${chain}\n}\n`;
  const { code } = await run(["nft", "-c", "-f", "-"], {
    input: probe,
    timeoutMs: OPEN_TIMEOUT_MS,
  });
  return code === 0;
}

async function withIndexes(run: Run, links: readonly string[]): Promise<GateLink[]> {
  const { stdout } = await mustRun(run, ["ip", "-j", "link"], { timeoutMs: OPEN_TIMEOUT_MS });
  const known = JSON.parse(stdout) as readonly { ifname: string; ifindex: number }[];
  return links.map((link) => {
    const index = known.find(({ ifname }) => ifname === link)?.ifindex;
    if (index === undefined) throw new Error(`cannot gate ${link}: there is no such link`);
    return { link, linkIndex: index };
  });
}

/** Linux 6.12 is the first that prolongs an element which is there. */
export function prolongsInPlace(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split(".").map((part) => Number.parseInt(part, 10));
  return major > 6 || (major === 6 && minor >= 12);
}

/** Brings the tables in line; says what they are now, and whether anything had to change. */
async function adjust(
  run: Run,
  asked: GateWanted,
): Promise<{ readonly wanted: GateWanted; readonly changed: boolean }> {
  const present: PresentTable[] = [];
  for (const { family } of gateTables(asked)) {
    const listed = await listTable(run, family);
    present.push(listed.code === 0 ? presentShape(listed.stdout) : NO_TABLE);
  }
  // A set keeps the bound that it was made with, and the lease in it goes on.
  const open = present.some(({ lease }) => lease === "open");
  const wanted = open ? { ...asked, bounded: false } : asked;
  let script = "";
  for (const [i, table] of gateTables(wanted).entries()) {
    const there = present[i] ?? NO_TABLE;
    if (there.shape === wantedShape(table, wanted.links)) continue;
    script += gateScript(table, wanted.links, there);
  }
  if (script === "") return { wanted, changed: false };
  await mustRun(run, ["nft", "-f", "-"], { input: script, timeoutMs: OPEN_TIMEOUT_MS });
  return { wanted, changed: true };
}

function judge(answer: NftAnswer): LeaseAnswer {
  if (answer.kind === "applied") return "held";
  if (answer.kind === "no-answer") return "no-answer";
  // A bounded set is full of what has lapsed, or of what stands there since a revocation.
  if (/Could not process rule: Too many open files/.test(answer.said)) return "lapsed";
  // The kernel's own ENOENT is about the element; nft's, before asking it, about table or set.
  if (/Could not process rule: No such file/.test(answer.said)) return "lapsed";
  return /No such file or directory/.test(answer.said) ? "table-missing" : "no-answer";
}

export function createLease(options: LeaseOptions): Lease {
  const { run } = options;
  const session = createNftSession({
    answerMs: options.answerMs ?? LEASE_ANSWER_MS,
    ...(options.sessionArgv === undefined ? {} : { argv: options.sessionArgv }),
  });
  let wanted: GateWanted | undefined;
  let lastRefusal = "";
  let refreshing: { gate: GateWanted; line: (length: LeaseLength) => string } | undefined;
  const refreshLine = (gate: GateWanted, length: LeaseLength): string => {
    if (refreshing?.gate !== gate) refreshing = { gate, line: refresher(gate) };
    return refreshing.line(length);
  };

  const ask = async (line: (gate: GateWanted) => string): Promise<LeaseAnswer> => {
    if (wanted === undefined) return "table-missing";
    const words = line(wanted);
    if (words === "") return "held";
    const answer = await session.ask(words);
    if (answer.kind === "refused") lastRefusal = answer.said.trim();
    return judge(answer);
  };
  const chooseHook = async (): Promise<GateHook> => {
    if (options.hook !== undefined) return options.hook;
    return wanted?.hook ?? ((await egressWorks(run)) ? "egress" : "output");
  };

  return {
    async open(links, floatingIps, virtual = []) {
      const hook = await chooseHook();
      if (hook !== "egress" && virtual.length > 0) throw new Error(NO_EGRESS);
      const indexed = await withIndexes(run, links);
      const bounded = prolongsInPlace(options.kernel ?? release());
      const asked: GateWanted = { hook, links: indexed, floatingIps, virtual, bounded };
      const adjusted = await adjust(run, asked);
      wanted = adjusted.wanted;
      return { changed: adjusted.changed };
    },
    grant: (length) => ask((gate) => grantLine(gate, length)),
    refresh: (length) => ask((gate) => refreshLine(gate, length)),
    revoke: () => ask(revokeLine),
    letThrough: (length) =>
      ask((gate) => (length === null ? shutLine(gate) : throughLine(gate, length))),
    async remaining() {
      const families = wanted?.hook === "output" ? ["arp"] : ["netdev", "arp"];
      for (const family of families) {
        const listed = await run(["nft", "list", "set", family, GATE_TABLE, "lease"]);
        if (listed.timedOut) throw new CommandError(listed);
        if (listed.code === 0) return parseLease(listed.stdout);
      }
      return null;
    },
    get hook() {
      return wanted?.hook;
    },
    get lastRefusal() {
      return lastRefusal;
    },
    get restarts() {
      return session.restarts;
    },
    get unsettled() {
      return session.unsettled;
    },
    prepare: () => session.prepare(),
    close: () => session.close(),
  };
}
