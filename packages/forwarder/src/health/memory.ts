// memory.ts — what is remembered of verdicts between two lives of the daemon, and how old it is.
//
// Ages are reckoned on the monotonic clock within one boot. Across boots only the wall clock
// spans the gap; there it tells people an age and decides nothing.
import { type Health, type Millis, millis } from "@lbpair/common";
import type { Judged } from "./followed.js";
import type { VerdictState } from "./verdict.js";

export const MEMORY_FORMAT = 1;
const TEXT_CHARACTERS_MAX = 1000;

/** Which boot this is, and what time it is in it and on the wall. */
export interface Moment {
  readonly bootId: string;
  readonly now: Millis;
  readonly wallMs: number;
}

export interface RememberedServer {
  readonly state: VerdictState;
  /** Where its verdict was reached; another address is another server. */
  readonly address: string;
  readonly port: number;
  /** Start of its last check; null where that was in another boot. */
  readonly lastStart: Millis | null;
}

export interface Memory {
  readonly serial: number;
  readonly hash: string;
  readonly servers: ReadonlyMap<string, RememberedServer>;
  /** Verdicts followed against the own ones. */
  readonly inherited: Judged;
}

export const NO_MEMORY: Memory = { serial: 0, hash: "", servers: new Map(), inherited: new Map() };

interface StoredVerdict {
  readonly health: Health;
  readonly reason: string;
  readonly count: number;
  readonly turnedAgeMs: number | null;
  readonly checkedAgeMs: number | null;
}

const age = (now: Millis, then: Millis | null): number | null =>
  then === null ? null : Math.max(0, Math.round(now - then));

const store = (state: VerdictState, now: Millis): StoredVerdict => ({
  health: state.health,
  // What is longer than a reader takes would make the whole file worth nothing.
  reason: state.reason.slice(0, TEXT_CHARACTERS_MAX),
  count: state.count,
  turnedAgeMs: age(now, state.since),
  checkedAgeMs: age(now, state.checkedAt),
});

export function encodeMemory(memory: Memory, moment: Moment): string {
  const { now } = moment;
  const servers = [...memory.servers].map(([id, server]) => [
    id,
    {
      ...store(server.state, now),
      address: server.address,
      port: server.port,
      startedAgeMs: age(now, server.lastStart),
    },
  ]);
  const inherited = [...memory.inherited].map(([id, state]) => [id, store(state, now)]);
  const content = {
    format: MEMORY_FORMAT,
    written: {
      bootId: moment.bootId,
      monotonicMs: now,
      at: new Date(moment.wallMs).toISOString(),
    },
    serial: memory.serial,
    hash: memory.hash,
    servers: Object.fromEntries(servers),
    inherited: Object.fromEntries(inherited),
  };
  return `${JSON.stringify(content, null, 1)}\n`;
}

export type Decoded =
  | { readonly ok: true; readonly memory: Memory }
  | { readonly ok: false; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

/** Something in the file is not as this program writes it; then nothing in it is believed. */
class NotMemory extends Error {}

function fields(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new NotMemory(`${what}: want an object`);
}

function text(from: Fields, key: string, what: string): string {
  const value = from[key];
  if (typeof value === "string" && value.length <= TEXT_CHARACTERS_MAX) return value;
  throw new NotMemory(`${what}.${key}: want a text`);
}

function amount(from: Fields, key: string, what: string): number {
  const value = from[key];
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new NotMemory(`${what}.${key}: want a number from 0`);
}

function pointInTime(from: Fields, key: string, what: string, written: Millis): Millis | null {
  return from[key] === null ? null : millis(written - amount(from, key, what));
}

function verdict(from: Fields, what: string, written: Millis): VerdictState {
  const { health } = from;
  if (health !== "healthy" && health !== "unhealthy" && health !== "unknown") {
    throw new NotMemory(`${what}.health: want healthy, unhealthy or unknown`);
  }
  return {
    health,
    reason: text(from, "reason", what),
    count: Math.floor(amount(from, "count", what)),
    since: pointInTime(from, "turnedAgeMs", what, written),
    checkedAt: pointInTime(from, "checkedAgeMs", what, written),
  };
}

function decode(content: string, moment: Moment): Memory {
  const root = fields(JSON.parse(content), "file");
  if (root.format !== MEMORY_FORMAT) throw new NotMemory(`format: want ${MEMORY_FORMAT}`);
  const stamp = fields(root.written, "written");
  const sameBoot = text(stamp, "bootId", "written") === moment.bootId;
  const wallMs = Date.parse(text(stamp, "at", "written"));
  if (Number.isNaN(wallMs)) throw new NotMemory("written.at: want a date");
  const elapsed = sameBoot
    ? moment.now - amount(stamp, "monotonicMs", "written")
    : moment.wallMs - wallMs;
  const written = millis(moment.now - Math.max(0, elapsed));
  const servers = Object.entries(fields(root.servers, "servers")).map(
    ([id, value]): [string, RememberedServer] => {
      const what = `servers.${id}`;
      const from = fields(value, what);
      const state = verdict(from, what, written);
      const lastStart = pointInTime(from, "startedAgeMs", what, written);
      const address = text(from, "address", what);
      const port = amount(from, "port", what);
      return [id, { state, address, port, lastStart: sameBoot ? lastStart : null }];
    },
  );
  const inherited = Object.entries(fields(root.inherited, "inherited")).map(
    ([id, value]): [string, VerdictState] => {
      const what = `inherited.${id}`;
      return [id, verdict(fields(value, what), what, written)];
    },
  );
  return {
    serial: Math.floor(amount(root, "serial", "file")),
    hash: text(root, "hash", "file"),
    servers: new Map(servers),
    inherited: new Map(inherited),
  };
}

/** The memory as points in time of this life's clock; or why the file is not believed. */
export function decodeMemory(content: string, moment: Moment): Decoded {
  try {
    return { ok: true, memory: decode(content, moment) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
