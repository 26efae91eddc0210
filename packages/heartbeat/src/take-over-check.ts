// take-over-check.ts — after a take over: asks the neighbours, tells those again that have not learnt it.
import { type Clock, type EventLog, familyOf } from "@lbpair/common/light";
import { type Announced, framesOf } from "./adapters/announce.js";
import { arpQuestion } from "./adapters/arp-frame.js";
import type { Ears, Heard } from "./adapters/ears.js";
import { type EchoName, echoRequest } from "./adapters/echo-frame.js";
import { neighbourQuestion } from "./adapters/ns-frame.js";
import {
  CHECK_MS_MAX,
  type CheckedNeighbour,
  type CheckedPair,
  type CheckStep,
  NeighbourCheck,
  pairsOf,
} from "./core/neighbour-check.js";
import type { LinkPlaces } from "./link-places.js";

export interface TakeOverCheckOptions {
  readonly clock: Clock;
  readonly events: EventLog;
  readonly ears: Ears;
  readonly places: LinkPlaces;
  readonly name: EchoName;
  /** Whether frames may speak for the floating IPs; asked before each round. */
  readonly mayAnnounce: () => boolean;
  /** A neighbour's reply in the peer's frame was sent on by the peer: it proves the opposite. */
  readonly isPeer: (mac: string) => boolean;
  readonly macOf: (link: string, neighbour: string) => string | null;
  /** For the timeline: milliseconds after the announcement. */
  readonly onLearnt: (learnt: Learnt) => void;
}

export interface Learnt extends CheckedPair {
  readonly afterMs: number;
  /** The first of this take over. */
  readonly first: boolean;
}

/** What is to be checked on one link. */
export interface CheckedLink {
  readonly link: string;
  readonly announced: readonly Announced[];
  readonly neighbours: readonly string[];
}

/** Replies are looked for this often while the first are expected, and later. */
const LOOK_MS = 2;
const LOOK_LATER_MS = 20;
const LOOK_OFTEN_FOR_MS = 1000;
const RETRY_MS = 4;
const STEPS_AT_ONCE = 32;

export class TakeOverCheck {
  private readonly options: TakeOverCheckOptions;
  private check: NeighbourCheck | null = null;
  private announced = new Map<string, Announced>();
  private timer: NodeJS.Timeout | undefined;
  private told = false;
  private first = true;
  private sequence = 0;

  constructor(options: TakeOverCheckOptions) {
    this.options = options;
  }

  /** The announcement has just been made; a check that still ran is replaced. */
  begin(links: readonly CheckedLink[]): void {
    this.stop();
    const { clock, macOf, ears } = this.options;
    const pairs = links.flatMap(({ link, announced, neighbours }) =>
      pairsOf(
        link,
        announced.map(({ address }) => address),
        neighbours,
      ),
    );
    this.announced = new Map(
      links.flatMap(({ link, announced }) =>
        announced.map((each) => [`${link} ${each.address}`, each] as const),
      ),
    );
    this.check = new NeighbourCheck(clock.now(), pairs, macOf);
    this.told = pairs.length === 0;
    this.first = true;
    ears.hurry("take-over-check", LOOK_MS);
    // The adverts of the take over go out first.
    this.timer = setTimeout(() => this.round(), 0);
  }

  /** What was found stays in the status until the next take over. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.options.ears.hurry("take-over-check", null);
  }

  /** This node no longer holds the addresses: what its neighbours had learnt is of the past. */
  forget(): void {
    this.stop();
    this.check = null;
  }

  heard(link: string, heard: Heard): void {
    const { check, timer } = this;
    if (check === null || timer === undefined) return;
    const { clock, isPeer, onLearnt } = this.options;
    if (heard.kind === "claim") {
      if (!isPeer(heard.mac)) this.perform(check.found(link, heard.address, heard.mac));
      return;
    }
    const now = clock.now();
    if (isPeer(heard.fromMac) || !check.replied(link, heard.from, heard.to, now)) return;
    const afterMs = now - check.startedAt;
    const first = this.first;
    this.first = false;
    onLearnt({ link, floatingIp: heard.to, neighbour: heard.from, afterMs, first });
    this.sayWhenDone(check);
  }

  neighbours(): CheckedNeighbour[] {
    return this.check?.neighbours(this.options.clock.now()) ?? [];
  }

  private round(): void {
    const { check } = this;
    const { clock, ears, mayAnnounce } = this.options;
    if (check === null) return;
    ears.poll();
    const now = clock.now();
    if (check.dueAt(now) !== null && mayAnnounce()) this.perform(check.round(now));
    this.sayWhenDone(check);
    const due = check.dueAt(clock.now());
    if (due === null) {
      this.stop();
      return;
    }
    if (now - check.startedAt > LOOK_OFTEN_FOR_MS) ears.hurry("take-over-check", LOOK_LATER_MS);
    // Where nothing may be said now, the round is tried again.
    const wait = Math.max(
      RETRY_MS,
      Math.min(due, check.startedAt + CHECK_MS_MAX + 1) - clock.now(),
    );
    this.timer = setTimeout(() => this.round(), wait);
  }

  private sayWhenDone(check: NeighbourCheck): void {
    const summary = this.told ? null : check.summary(this.options.clock.now());
    if (summary === null) return;
    this.told = true;
    const { events } = this.options;
    const { learnt, firstMs, lastMs, silent, refusing } = summary;
    const facts = { learnt, firstMs: round(firstMs), lastMs: round(lastMs), silent, refusing };
    const quiet = silent.length === 0 ? "" : `; ${silent.length} answer nobody: ${some(silent)}`;
    if (refusing.length > 0) {
      const text = `not learnt within ${CHECK_MS_MAX / 1000} s: ${some(refusing)}${quiet}`;
      events.record("warn", "neighbours-not-learnt", text, facts);
    } else if (learnt > 0) {
      const text = `all ${learnt} have learnt it, the first after ${facts.firstMs} ms, the last after ${facts.lastMs} ms${quiet}`;
      events.record("info", "neighbours-learnt", text, facts);
    } else {
      const text = `no neighbour answers an echo, so nobody can say who has learnt it: ${some(silent)}`;
      events.record("info", "neighbours-silent", text, facts);
    }
  }

  /** A slice at a time: hundreds of frames take as long as a fast keepalive. */
  private perform(steps: readonly CheckStep[]): void {
    const { check } = this;
    const rest = steps.slice(STEPS_AT_ONCE);
    if (rest.length > 0) {
      setImmediate(() => {
        if (this.check === check && this.timer !== undefined) this.perform(rest);
      });
    }
    for (const step of steps.slice(0, STEPS_AT_ONCE)) {
      for (const { linkIndex, frame } of this.framesOf(step))
        this.options.ears.send(linkIndex, frame);
    }
  }

  private framesOf(step: CheckStep): { readonly linkIndex: number; readonly frame: Buffer }[] {
    if (step.kind === "find" || step.kind === "ask-own") return this.inOwnName(step);
    const announced = this.announced.get(`${step.link} ${step.floatingIp}`);
    if (announced === undefined) return [];
    const { linkIndex, mac, address } = announced;
    if (step.kind === "tell-all") return framesOf(announced).map((frame) => ({ linkIndex, frame }));
    if (step.kind === "ask") {
      const ends = { fromMac: mac, toMac: step.mac, from: address, to: step.neighbour };
      return [{ linkIndex, frame: this.echo(ends) }];
    }
    // A question to the one neighbour in the floating IP's name: it must remember who asks (RFC 826),
    // and no lock time holds for it, unlike an announcement.
    const ask = familyOf(address) === 4 ? arpQuestion : neighbourQuestion;
    return [{ linkIndex, frame: ask(step.neighbour, { mac, address }, step.mac) }];
  }

  private inOwnName(step: Extract<CheckStep, { kind: "find" | "ask-own" }>) {
    const place = this.options.places.get(step.link);
    const family = familyOf(step.neighbour);
    const own = family === 4 ? place?.own4 : place?.own6;
    if (place === undefined || own === undefined) return [];
    const { linkIndex, mac } = place;
    if (step.kind === "find") {
      const ask = family === 4 ? arpQuestion : neighbourQuestion;
      return [{ linkIndex, frame: ask(step.neighbour, { mac, address: own }) }];
    }
    const ends = { fromMac: mac, toMac: step.mac, from: own, to: step.neighbour };
    return [{ linkIndex, frame: this.echo(ends) }];
  }

  private echo(ends: Parameters<typeof echoRequest>[0]): Buffer {
    this.sequence = (this.sequence + 1) & 0xffff;
    return echoRequest(ends, this.options.name, this.sequence);
  }
}

const round = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 10) / 10);

/** The first few of many, for a sentence. */
const some = (names: readonly string[]): string =>
  `${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""}`;
