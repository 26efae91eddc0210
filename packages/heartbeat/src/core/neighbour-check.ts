// neighbour-check.ts — whether the neighbours that matter have learnt where the floating IPs are now.
//
// A neighbour is asked an ICMP echo in the name of the floating IP: its reply goes to whoever it
// believes to own that address, so a reply that arrives here proves that it has learnt. Who has not is
// told again, alone and with everybody, and asked again, at growing intervals:
//
//   0   5   15   35   75   155 … ms after the announcement, then each second, for 30 s at most
//
// Who answers no echo at all, not even one in this node's own name, cannot be verified: "silent".
import { familyOf, type Millis, millis } from "@lbpair/common/light";

/** A neighbour, and a floating IP that it should find here. */
export interface CheckedPair {
  readonly link: string;
  readonly floatingIp: string;
  readonly neighbour: string;
}

export interface CheckedNeighbour extends CheckedPair {
  readonly state: "pending" | "learnt" | "silent";
  /** From the announcement to the proof. */
  readonly afterMs: number | null;
}

export type CheckStep =
  /** An echo request in the floating IP's name, to the neighbour's MAC. */
  | ({ readonly kind: "ask"; readonly mac: string } & CheckedPair)
  /** The same in this node's own name: does it answer anybody? */
  | {
      readonly kind: "ask-own";
      readonly mac: string;
      readonly link: string;
      readonly neighbour: string;
    }
  /** Which MAC has it? Asked in this node's own name, so that it learns nothing by the question. */
  | { readonly kind: "find"; readonly link: string; readonly neighbour: string }
  /** Tell it where the floating IP is. */
  | ({ readonly kind: "tell"; readonly mac: string } & CheckedPair)
  /** Tell everybody on the link. */
  | { readonly kind: "tell-all"; readonly link: string; readonly floatingIp: string };

export interface CheckSummary {
  readonly learnt: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** `floating IP at neighbour` of those that could not be verified, and of those that refuse. */
  readonly silent: readonly string[];
  readonly refusing: readonly string[];
}

/** Pairs checked on one link; every neighbour first with one floating IP, then with the next. */
export const CHECKED_PAIRS_MAX = 256;
export const CHECK_MS_MAX = 30_000;
const FIRST_GAP_MS = 5;
const GAP_MS_MOST = 1000;
/** Who has answered nothing by then is called silent; it is told and asked on all the same. */
const SILENT_AFTER_MS = 3000;

/** The pairs of one link, all neighbours with one floating IP before any with the next. */
export function pairsOf(
  link: string,
  floatingIps: readonly string[],
  neighbours: readonly string[],
): CheckedPair[] {
  const pairs: CheckedPair[] = [];
  for (const floatingIp of floatingIps) {
    for (const neighbour of neighbours) {
      if (pairs.length >= CHECKED_PAIRS_MAX) return pairs;
      if (familyOf(neighbour) === familyOf(floatingIp)) pairs.push({ link, floatingIp, neighbour });
    }
  }
  return pairs;
}

interface Host {
  mac: string | null;
  /** It has answered an echo of ours, in whatever name. */
  answers: boolean;
}

interface Entry extends CheckedPair {
  readonly host: Host;
  afterMs: number | null;
}

export class NeighbourCheck {
  readonly startedAt: Millis;
  private readonly entries = new Map<string, Entry>();
  private readonly hosts = new Map<string, Host>();
  private rounds = 0;
  /** Pairs without a proof. */
  private missing: number;
  private nextAt: Millis;

  /** `macOf` is what is known of the neighbours' MACs before any question. */
  constructor(
    now: Millis,
    pairs: readonly CheckedPair[],
    macOf: (link: string, neighbour: string) => string | null,
  ) {
    this.startedAt = now;
    this.nextAt = now;
    for (const pair of pairs) {
      const at = `${pair.link} ${pair.neighbour}`;
      const host = this.hosts.get(at) ?? { mac: macOf(pair.link, pair.neighbour), answers: false };
      this.hosts.set(at, host);
      this.entries.set(`${at} ${pair.floatingIp}`, { ...pair, host, afterMs: null });
    }
    this.missing = this.entries.size;
  }

  /** When the next round is due; null = it is all over. */
  dueAt(now: Millis): Millis | null {
    const over = now - this.startedAt > CHECK_MS_MAX || this.missing === 0;
    return over ? null : this.nextAt;
  }

  private open(): Entry[] {
    return [...this.entries.values()].filter(({ afterMs }) => afterMs === null);
  }

  /** The steps of a round. The first round only asks: the announcement has just been made. */
  round(now: Millis): CheckStep[] {
    const gap = Math.min(GAP_MS_MOST, FIRST_GAP_MS * 2 ** this.rounds);
    this.nextAt = millis(now + gap);
    this.rounds += 1;
    const open = this.open();
    const told = this.rounds === 1 ? [] : tellAll(open);
    return [...told, ...open.flatMap((entry) => this.stepsOf(entry)), ...this.askOwn(open)];
  }

  private stepsOf({ link, floatingIp, neighbour, host: { mac } }: Entry): CheckStep[] {
    if (mac === null) return [{ kind: "find", link, neighbour }];
    const pair = { link, floatingIp, neighbour, mac };
    const ask: CheckStep = { kind: "ask", ...pair };
    return this.rounds === 1 ? [ask] : [{ kind: "tell", ...pair }, ask];
  }

  /** Once for each neighbour that has answered nothing yet. */
  private askOwn(open: readonly Entry[]): CheckStep[] {
    if (this.rounds === 1) return [];
    const hosts = new Map(open.map((entry) => [entry.host, entry]));
    return [...hosts].flatMap(([{ mac, answers }, { link, neighbour }]): CheckStep[] =>
      mac === null || answers ? [] : [{ kind: "ask-own", link, neighbour, mac }],
    );
  }

  /** A neighbour's MAC has become known: what is to be asked of it at once. */
  found(link: string, neighbour: string, mac: string): CheckStep[] {
    const host = this.hosts.get(`${link} ${neighbour}`);
    if (host === undefined || host.mac === mac) return [];
    host.mac = mac;
    return this.open()
      .filter((entry) => entry.host === host)
      .map(({ floatingIp }) => ({ kind: "ask", link, floatingIp, neighbour, mac }));
  }

  /** An echo reply came here. True where it proves something new. */
  replied(link: string, neighbour: string, to: string, now: Millis): boolean {
    const host = this.hosts.get(`${link} ${neighbour}`);
    if (host !== undefined) host.answers = true;
    const entry = this.entries.get(`${link} ${neighbour} ${to}`);
    if (entry === undefined || entry.afterMs !== null) return false;
    entry.afterMs = now - this.startedAt;
    this.missing -= 1;
    return true;
  }

  neighbours(now: Millis): CheckedNeighbour[] {
    return [...this.entries.values()].map(({ link, floatingIp, neighbour, host, afterMs }) => {
      const silent = !host.answers && now - this.startedAt > SILENT_AFTER_MS;
      const state = afterMs !== null ? "learnt" : silent ? "silent" : "pending";
      return { link, floatingIp, neighbour, state, afterMs };
    });
  }

  /** What can be said for good; null = not yet. After it only stragglers are news. */
  summary(now: Millis): CheckSummary | null {
    // Asked after each reply: nobody is silent yet, and somebody has not answered.
    if (this.missing > 0 && now - this.startedAt <= SILENT_AFTER_MS) return null;
    const all = this.neighbours(now);
    const over = now - this.startedAt > CHECK_MS_MAX;
    if (!over && all.some(({ state }) => state === "pending")) return null;
    const of = (wanted: CheckedNeighbour["state"]) =>
      all
        .filter(({ state }) => state === wanted)
        .map(({ floatingIp, neighbour }) => `${floatingIp} at ${neighbour}`);
    const times = all.flatMap(({ afterMs }) => (afterMs === null ? [] : [afterMs]));
    return {
      learnt: times.length,
      firstMs: times.length === 0 ? null : Math.min(...times),
      lastMs: times.length === 0 ? null : Math.max(...times),
      silent: of("silent"),
      refusing: of("pending"),
    };
  }
}

/** Each floating IP that somebody has not learnt, told to its whole link once. */
function tellAll(open: readonly Entry[]): CheckStep[] {
  const told = new Map(
    open.map(({ link, floatingIp }) => [`${link} ${floatingIp}`, { link, floatingIp }]),
  );
  return [...told.values()].map((each) => ({ kind: "tell-all", ...each }));
}
