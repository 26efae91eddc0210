// mode-order.ts — an operator's order for some real servers: read from a request, and what it changes.
import {
  formatMoment,
  MODE_BY_CHARACTERS_MAX,
  MODE_REASON_CHARACTERS_MAX,
  type ModeEntry,
  type ModesConfig,
  type Problem,
  ProblemsError,
  parseMoment,
  type ServerMode,
  showValue,
} from "@lbpair/common";
import type { ModeChange } from "./mode-list.js";

export interface ServerName {
  readonly service: string;
  readonly server: string;
}

export interface ModeOrder {
  readonly servers: readonly ServerName[];
  readonly mode: ServerMode;
  readonly by?: string;
  readonly reason?: string;
  /** Milliseconds since 1970. */
  readonly until?: number;
  /** The same from the moment of the order on, by the clock of the node that executes it. */
  readonly forMs?: number;
  readonly haltWhenEmpty?: boolean;
  /** Of a drain: halted at the latest after so long. */
  readonly withinMs?: number;
}

/** Servers of one order. */
export const SERVERS_ORDERED_MAX = 20_000;
/** Longest time that a mode may be set for: more is a slip of the fingers. */
export const MODE_MS_MAX = 366 * 86_400_000;

type Raw = Readonly<Record<string, unknown>>;
type Refuse = (path: string, want: string) => undefined;

function readServers(raw: Raw, refuse: Refuse): ServerName[] {
  const { servers, service, server } = raw;
  if (servers === undefined && typeof service === "string" && typeof server === "string") {
    return [{ service, server }];
  }
  const want = `1-${SERVERS_ORDERED_MAX} names SERVICE/SERVER`;
  if (!Array.isArray(servers) || servers.length === 0 || servers.length > SERVERS_ORDERED_MAX) {
    refuse("servers", want);
    return [];
  }
  const names = servers.map((name: unknown) => /^([^/]+)\/([^/]+)$/.exec(String(name)));
  if (names.includes(null)) refuse("servers", want);
  return names.flatMap((match) => {
    const [, first = "", second = ""] = match ?? [];
    return match === null ? [] : [{ service: first, server: second }];
  });
}

function readLine(raw: Raw, key: "by" | "reason", most: number, refuse: Refuse) {
  const value = raw[key];
  if (value === undefined) return undefined;
  const fits = typeof value === "string" && value !== "" && value.length <= most;
  if (fits && !/\p{Cc}/u.test(value)) return value;
  return refuse(key, `one line of 1-${most} characters`);
}

function readMs(raw: Raw, key: "forMs" | "withinMs", refuse: Refuse): number | undefined {
  const value = raw[key];
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && Number(value) > 0 && Number(value) <= MODE_MS_MAX) {
    return Number(value);
  }
  return refuse(key, `milliseconds, 1-${MODE_MS_MAX}`);
}

function readUntil(raw: Raw, refuse: Refuse): number | undefined {
  if (raw.until === undefined) return undefined;
  return (
    parseMoment(String(raw.until)) ??
    refuse("until", "a point in time in UTC, e.g. 2026-11-30T18:00:00Z")
  );
}

const MODES: readonly unknown[] = ["online", "drain", "halt"] satisfies ServerMode[];

/** What of an order makes no sense together. */
function checkTogether(raw: Raw, refuse: Refuse): void {
  const { mode, until, forMs, haltWhenEmpty, withinMs } = raw;
  if (until !== undefined && forMs !== undefined) refuse("until", "until or forMs, not both");
  if (mode === "online" && (until !== undefined || forMs !== undefined)) {
    refuse("mode", "halt or drain, where it ends by itself");
  }
  if (mode !== "drain" && (haltWhenEmpty !== undefined || withinMs !== undefined)) {
    refuse("mode", "drain, where a halt follows");
  }
  if (![undefined, true, false].includes(haltWhenEmpty as undefined)) {
    refuse("haltWhenEmpty", "true or false");
  }
}

/** Throws ProblemsError with everything wrong with it. */
export function readModeOrder(body: unknown): ModeOrder {
  const raw = (body ?? {}) as Raw;
  const problems: Problem[] = [];
  const refuse: Refuse = (path, want) => {
    problems.push({ code: "wrong-value", path, want, got: showValue(raw[path]) });
    return undefined;
  };
  const servers = readServers(raw, refuse);
  if (!MODES.includes(raw.mode)) refuse("mode", "online, drain or halt");
  const by = readLine(raw, "by", MODE_BY_CHARACTERS_MAX, refuse);
  const reason = readLine(raw, "reason", MODE_REASON_CHARACTERS_MAX, refuse);
  const until = readUntil(raw, refuse);
  const forMs = readMs(raw, "forMs", refuse);
  const withinMs = readMs(raw, "withinMs", refuse);
  checkTogether(raw, refuse);
  if (problems.length > 0) throw new ProblemsError(problems);
  return {
    servers,
    mode: raw.mode as ServerMode,
    ...(by === undefined ? {} : { by }),
    ...(reason === undefined ? {} : { reason }),
    ...(until === undefined ? {} : { until }),
    ...(forMs === undefined ? {} : { forMs }),
    ...(raw.haltWhenEmpty === true ? { haltWhenEmpty: true } : {}),
    ...(withinMs === undefined ? {} : { withinMs }),
  };
}

/** The order as a request to another node; the reverse of reading it. */
export const orderBody = ({ servers, until, ...rest }: ModeOrder): object => ({
  ...rest,
  servers: servers.map(({ service, server }) => `${service}/${server}`),
  ...(until === undefined ? {} : { until: formatMoment(until) }),
});

/** Never earlier than asked: files hold whole seconds. */
const after = (now: number, ms: number): string =>
  formatMoment(Math.ceil((now + ms) / 1000) * 1000);

function entryOf(order: ModeOrder, name: ServerName, now: number): ModeEntry | null {
  const { mode, by, reason, until, forMs, haltWhenEmpty, withinMs } = order;
  if (mode === "online") return null;
  const end =
    until === undefined
      ? forMs === undefined
        ? undefined
        : after(now, forMs)
      : formatMoment(until);
  return {
    service: name.service,
    server: name.server,
    mode,
    ...(by === undefined ? {} : { by }),
    ...(reason === undefined ? {} : { reason }),
    since: formatMoment(now),
    ...(end === undefined ? {} : { until: end }),
    ...(haltWhenEmpty === undefined ? {} : { haltWhenEmpty }),
    ...(withinMs === undefined ? {} : { haltAt: after(now, withinMs) }),
  };
}

const sameWord = (a: ModeEntry, b: ModeEntry): boolean =>
  (["mode", "by", "reason", "until", "haltWhenEmpty", "haltAt"] as const).every(
    (key) => a[key] === b[key],
  );

/** What the order changes of a list; a server that is so already, by the same word, is left out. */
export function orderedChanges(order: ModeOrder, before: ModesConfig, now: number): ModeChange[] {
  const present = new Map(before.modes.map((entry) => [`${entry.service}/${entry.server}`, entry]));
  return order.servers.flatMap((name): ModeChange[] => {
    const was = present.get(`${name.service}/${name.server}`);
    const entry = entryOf(order, name, now);
    if (entry === null ? was === undefined : was !== undefined && sameWord(was, entry)) return [];
    return [{ service: name.service, server: name.server, entry }];
  });
}
