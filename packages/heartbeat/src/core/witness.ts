// witness.ts — what the networks of the floating IPs testify: whether the peer lives, and whether we could serve.
// long: what is asked, heard and concluded of one suspicion.
//
// While the peer is silent, rounds of questions go out on every link that carries floating IPs:
//
//   who has the floating IP?   asked in nobody's name, so that no cache changes
//     the peer's MAC answers   → an ICMP echo to that very MAC; its reply confirms that a kernel lives
//                                there. Proxies and switches answer ARP for the dead, echoes they do not.
//     another MAC answers      → a stranger: an alarm, never a delay
//   are the neighbours there?  nobody answers where somebody was heard before: this link is cut off
//
// A living kernel whose daemon is dead stops answering when the lease ends, so an answer later than
// the lease that the peer last advertised proves a living daemon.
import { type Millis, millis } from "@lbpair/common/light";
import { KnownNeighbours } from "./known-neighbours.js";
import type { WitnessView } from "./witness-view.js";

export interface WitnessLink {
  readonly link: string;
  readonly carrier: boolean;
  readonly floatingIps: readonly string[];
  /** Servers, routers and the like that should live there, the most important first. */
  readonly neighbours: readonly string[];
}

export interface WitnessPlan {
  readonly links: readonly WitnessLink[];
  readonly ownMacs: readonly string[];
  /** Addresses of the peer on these links; they are no neighbours. */
  readonly peerAddresses: readonly string[];
}

/** A frame spoke in the name of an address. */
export interface HeardClaim {
  readonly link: string;
  readonly address: string;
  readonly mac: string;
}

export type Question =
  /** Who has this floating IP? In nobody's name; to one MAC, or to everybody (null). */
  | {
      readonly kind: "who-has";
      readonly link: string;
      readonly address: string;
      readonly mac: string | null;
    }
  /** Is this neighbour there? In our own name; likewise. */
  | {
      readonly kind: "are-you-there";
      readonly link: string;
      readonly address: string;
      readonly mac: string | null;
    }
  /** Does a kernel with this floating IP live behind this MAC? */
  | ({ readonly kind: "echo" } & HeardClaim);

/** Somebody answers for a floating IP who should not. */
export interface Conflict extends HeardClaim {
  readonly by: "peer" | "stranger";
}

/** Floating IPs asked for, and neighbours called, on one link in one round. */
export const ASKED_PER_ROUND_MAX = 8;
/** Somebody heard within this time before the suspicion is missed when nobody is heard in it. */
export const NEIGHBOUR_MEMORY_MS = 60_000;
/** A suspicion that lasts asks for everything only now and then, and else the MAC that has answered, or for one address. */
const ROUNDS_TO_ALL = 30;
const TO_ALL_EVERY = 10;
/** One lost question must not make a link look cut off. */
const ROUNDS_UNTIL_CUT = 2;
/** Neighbours called on one link every `IDLE_ROUND_MS` while nothing is suspected. */
const IDLE_CALLS = 4;
/** The same conflict is told again after this much quiet. */
const CONFLICT_QUIET_MS = 600_000;
/** Conflicts remembered, and told for one MAC: a proxy answers for every address there is. */
export const CONFLICTS_MAX = 1000;
const CONFLICTS_PER_MAC = 8;

interface Suspicion {
  readonly since: Millis;
  /** Links on which somebody had been heard shortly before. */
  readonly peopled: ReadonlySet<string>;
  rounds: number;
  readonly claims: Map<string, Millis>;
  peerAnsweredAt: Millis | null;
  /** Whether the peer has answered in this round. */
  answered: boolean;
  stranger: WitnessView["stranger"];
  readonly answeredBy: Map<string, "peer" | "stranger">;
  /** By link, the peer's MAC that answered last. */
  readonly answeredFrom: Map<string, string>;
}

const keyOf = ({ link, address, mac }: HeardClaim): string => `${link} ${address} ${mac}`;

export class Witness {
  readonly neighbours = new KnownNeighbours();
  private links: readonly WitnessLink[] = [];
  private floating = new Set<string>();
  private ownMacs = new Set<string>();
  private peerMacs = new Set<string>();
  private peerAddresses = new Set<string>();
  private suspicion: Suspicion | null = null;
  /** Since when this node answers for the floating IPs; null = it does not. */
  private activeSince: Millis | null = null;
  private readonly conflicts = new Map<string, Millis>();
  private turn = 0;

  plan({ links, ownMacs, peerAddresses }: WitnessPlan): void {
    this.links = links;
    this.floating = new Set(links.flatMap(({ floatingIps }) => floatingIps));
    this.ownMacs = new Set(ownMacs);
    this.peerAddresses = new Set(peerAddresses);
    this.neighbours.keepOnly(links.map(({ link }) => link));
    for (const { link, neighbours } of links) this.neighbours.configure(link, neighbours);
  }

  /** MACs that the peer has advertised. */
  knowPeer(macs: readonly string[]): void {
    this.peerMacs = new Set(macs);
  }

  setActive(active: boolean, now: Millis): void {
    if (!active) this.activeSince = null;
    else this.activeSince ??= now;
  }

  /** The peer is silent. Everything heard before must have been handed over. */
  begin(now: Millis): void {
    if (this.suspicion !== null) return;
    const peopled = this.links.filter(({ link }) => {
      const heardAt = this.neighbours.heardAt(link);
      return heardAt !== null && now - heardAt <= NEIGHBOUR_MEMORY_MS;
    });
    this.suspicion = {
      since: now,
      peopled: new Set(peopled.map(({ link }) => link)),
      rounds: -1,
      claims: new Map(),
      peerAnsweredAt: null,
      answered: false,
      stranger: null,
      answeredBy: new Map(),
      answeredFrom: new Map(),
    };
  }

  end(): void {
    this.suspicion = null;
  }

  get suspected(): boolean {
    return this.suspicion !== null;
  }

  /**
   * The next round's questions; the round before is over with it. Empty without a suspicion. `missed`: this
   * node stood still in it, and may have sent the echo that follows an answer too late: it does not count.
   */
  ask(missed = false): Question[] {
    if (this.suspicion === null) return [];
    if (!missed || this.suspicion.rounds < 0) this.suspicion.rounds += 1;
    this.suspicion.answered = false;
    return this.round(this.asksAll() ? ASKED_PER_ROUND_MAX : 0, ASKED_PER_ROUND_MAX);
  }

  /**
   * Whether everybody is asked for everything in this round. A suspicion that lasts must not flood the
   * networks: then one address is asked for, of the MAC that has answered or, where none has, of everybody,
   * since somebody may claim at any time.
   */
  private asksAll(): boolean {
    const rounds = this.suspicion?.rounds ?? 0;
    return rounds < ROUNDS_TO_ALL || rounds % TO_ALL_EVERY === 0;
  }

  /** Questions for quiet times: who is there, and, while active, whether somebody else answers. */
  askIdle(): Question[] {
    return this.round(IDLE_CALLS, this.activeSince === null ? 0 : ASKED_PER_ROUND_MAX);
  }

  private round(calls: number, addresses: number): Question[] {
    this.turn += 1;
    return this.links
      .filter(({ carrier }) => carrier)
      .flatMap(({ link, floatingIps }): Question[] => {
        const mac = this.asksAll() ? null : this.suspicion?.answeredFrom.get(link);
        const asked = inTurn(floatingIps, mac === undefined ? 1 : addresses, this.turn);
        const called = inTurn(this.neighbours.all(link), calls, this.turn);
        return [
          ...asked.map(
            (address) => ({ kind: "who-has", link, address, mac: mac ?? null }) as const,
          ),
          ...called.map(
            (each) =>
              ({ kind: "are-you-there", link, address: each.address, mac: each.mac }) as const,
          ),
        ];
      });
  }

  /** Answers what is to be asked, and what is to be told, because of what was heard. */
  heard(claim: HeardClaim, now: Millis): { readonly ask: Question[]; readonly tell: Conflict[] } {
    const { link, address, mac } = claim;
    const nothing = { ask: [], tell: [] };
    // The peer's first: with a virtual MAC, both nodes have it.
    const byPeer = this.peerMacs.has(mac);
    if (!byPeer && this.ownMacs.has(mac)) return nothing;
    const floating = this.floating.has(address);
    if (!byPeer && !this.peerAddresses.has(address)) {
      if (floating) this.neighbours.heardSomebody(link, now);
      else this.neighbours.heard(link, address, mac, now);
    }
    if (!floating) return nothing;
    return byPeer ? this.heardPeer(claim, now) : this.heardStranger(claim, now);
  }

  private heardPeer(claim: HeardClaim, now: Millis) {
    if (this.activeSince !== null) {
      // While the role changes hands, the last words of the one before are no conflict.
      const settled = now - this.activeSince > HAND_OVER_MS;
      return { ask: [], tell: settled ? this.conflict({ ...claim, by: "peer" }, now) : [] };
    }
    if (this.suspicion === null) return { ask: [], tell: [] };
    this.suspicion.claims.set(keyOf(claim), now);
    return { ask: [{ kind: "echo" as const, ...claim }], tell: [] };
  }

  private heardStranger(claim: HeardClaim, now: Millis) {
    const { suspicion } = this;
    if (this.activeSince === null && suspicion === null) return { ask: [], tell: [] };
    if (suspicion !== null && this.activeSince === null) {
      suspicion.stranger = { address: claim.address, mac: claim.mac };
      if (!suspicion.answeredBy.has(claim.link)) suspicion.answeredBy.set(claim.link, "stranger");
    }
    return { ask: [], tell: this.conflict({ ...claim, by: "stranger" }, now) };
  }

  private conflict(conflict: Conflict, now: Millis): Conflict[] {
    const key = `${conflict.mac} ${conflict.address}`;
    const toldAt = this.conflicts.get(key);
    const sameMac = [...this.conflicts.keys()].filter((each) =>
      each.startsWith(`${conflict.mac} `),
    );
    if (toldAt === undefined && sameMac.length >= CONFLICTS_PER_MAC) return [];
    this.conflicts.delete(key);
    this.conflicts.set(key, now);
    const [oldest] = this.conflicts.keys();
    if (this.conflicts.size > CONFLICTS_MAX && oldest !== undefined) this.conflicts.delete(oldest);
    return toldAt !== undefined && now - toldAt <= CONFLICT_QUIET_MS ? [] : [conflict];
  }

  /**
   * An echo for a floating IP was answered, by the MAC that claims it or, where that is virtual, the
   * link's own. True where it is the first of its round.
   */
  echoed(from: HeardClaim): boolean {
    const { suspicion } = this;
    if (suspicion === null || !this.peerMacs.has(from.mac)) return false;
    for (const mac of [from.mac, ...this.peerMacs]) {
      const claimedAt = suspicion.claims.get(keyOf({ ...from, mac }));
      if (claimedAt === undefined) continue;
      const before = suspicion.peerAnsweredAt ?? Number.NEGATIVE_INFINITY;
      suspicion.peerAnsweredAt = millis(Math.max(before, claimedAt));
      suspicion.answeredBy.set(from.link, "peer");
      suspicion.answeredFrom.set(from.link, mac);
      const first = !suspicion.answered;
      suspicion.answered = true;
      return first;
    }
    return false;
  }

  private isCut({ link, carrier }: WitnessLink): boolean {
    if (!carrier) return true;
    const { suspicion } = this;
    if (suspicion === null || suspicion.rounds < ROUNDS_UNTIL_CUT) return false;
    const heardAt = this.neighbours.heardAt(link);
    return suspicion.peopled.has(link) && (heardAt === null || heardAt < suspicion.since);
  }

  view(able: boolean): WitnessView {
    return {
      able,
      cut: this.links.filter((link) => this.isCut(link)).length,
      peerAnsweredAt: this.suspicion?.peerAnsweredAt ?? null,
      rounds: Math.max(0, this.suspicion?.rounds ?? 0),
      stranger: this.suspicion?.stranger ?? null,
    };
  }

  /** For status: each network as a witness. */
  networks(now: Millis) {
    return this.links.map(({ link, carrier }) => {
      const heardAt = this.neighbours.heardAt(link);
      const asked = this.suspicion !== null && this.suspicion.rounds > 0;
      const answeredBy = this.suspicion?.answeredBy.get(link) ?? (asked ? "nobody" : null);
      const neighbourAgeMs = heardAt === null ? null : Math.round(now - heardAt);
      return { link, carrier, neighbourAgeMs, answeredBy } as const;
    });
  }
}

/** After a take over, claims of the peer within this time are its last words. */
const HAND_OVER_MS = 5000;

/** Some of many, beginning elsewhere each turn; the first is always among them. */
function inTurn<T>(all: readonly T[], count: number, turn: number): T[] {
  const [first, ...rest] = all;
  if (first === undefined || count === 0) return [];
  const others = Math.min(count - 1, rest.length);
  const start = rest.length === 0 ? 0 : (turn * others) % rest.length;
  return [first, ...[...rest.slice(start), ...rest.slice(0, start)].slice(0, others)];
}
