// witness-watch.ts — asks the witnesses: rounds of questions while the peer is silent, a few in quiet times.
import { type Clock, familyOf, type Millis } from "@lbpair/common/light";
import { arpQuestion, NO_ADDRESS } from "./adapters/arp-frame.js";
import type { Ears, Heard } from "./adapters/ears.js";
import { type EchoName, echoRequest } from "./adapters/echo-frame.js";
import { neighbourQuestion, UNSPECIFIED } from "./adapters/ns-frame.js";
import { type Conflict, type Question, Witness } from "./core/witness.js";
import { lookInterval, missesRound, type WitnessView } from "./core/witness-view.js";
import type { LinkPlaces } from "./link-places.js";

/** Between two rounds of questions in quiet times: whoever is heard then was "heard before". */
const IDLE_ROUND_MS = 10_000;

export interface WitnessWatchOptions {
  readonly clock: Clock;
  readonly ears: Ears;
  readonly places: LinkPlaces;
  readonly name: EchoName;
  /** From one round to the next while the peer is silent. */
  readonly intervalMs: () => number;
  /** `lateMs`: how late this daemon's own timer was. */
  readonly onView: (view: WitnessView, lateMs: number) => void;
  readonly onConflict: (conflict: Conflict) => void;
}

export class WitnessWatch {
  readonly witness = new Witness();
  private readonly options: WitnessWatchOptions;
  private readonly idle: NodeJS.Timeout;
  private round: NodeJS.Timeout | undefined;
  private halfway: NodeJS.Timeout | undefined;
  /** Whether this node stood still in the round that is under way. */
  private missed = false;
  private sequence = 0;

  constructor(options: WitnessWatchOptions) {
    this.options = options;
    this.idle = setInterval(() => this.askIdle(), IDLE_ROUND_MS);
  }

  /** The peer is silent: witnesses are asked at once, and then each interval. */
  begin(): void {
    const { ears, clock, intervalMs } = this.options;
    if (this.witness.suspected) return;
    // What was said before the suspicion is no answer to it.
    ears.poll();
    this.witness.begin(clock.now());
    ears.hurry("witness", lookInterval(intervalMs()));
    // Not inside the election's own step.
    this.round = setTimeout(() => this.ask(clock.now()), 0);
  }

  end(): void {
    clearTimeout(this.round);
    clearTimeout(this.halfway);
    this.witness.end();
    this.options.ears.hurry("witness", null);
  }

  heard(link: string, heard: Heard): void {
    if (heard.kind === "echo-reply") {
      const { ears, onView } = this.options;
      // Told at once: the peer's deadline may come before this round is over.
      const first = this.witness.echoed({ link, address: heard.from, mac: heard.fromMac });
      if (first) onView(this.witness.view(ears.able), 0);
      return;
    }
    const { address, mac } = heard;
    const { ask, tell } = this.witness.heard({ link, address, mac }, this.options.clock.now());
    for (const question of ask) this.put(question);
    for (const conflict of tell) this.options.onConflict(conflict);
  }

  /** Quiet times' questions, e.g. right after the links have become known. */
  askIdle(): void {
    if (this.witness.suspected) return;
    for (const question of this.witness.askIdle()) this.put(question);
  }

  close(): void {
    this.end();
    clearInterval(this.idle);
  }

  private ask(due: Millis): void {
    const { clock, ears, intervalMs, onView } = this.options;
    const lateMs = clock.now() - due;
    // Whoever judges hears first what has already come.
    ears.poll();
    const questions = this.witness.ask(this.missed);
    this.missed = false;
    onView(this.witness.view(ears.able), lateMs);
    // By what was said now this node may have taken over.
    if (!this.witness.suspected) return;
    for (const question of questions) this.put(question);
    const now = clock.now();
    const interval = intervalMs();
    const next = Math.max(now, due + interval) as Millis;
    this.round = setTimeout(() => this.ask(next), next - now);
    this.halfway = setTimeout(() => {
      this.missed = missesRound(clock.now() - (now + interval / 2), interval);
      ears.poll();
    }, interval / 2);
  }

  private put(question: Question): void {
    const place = this.options.places.get(question.link);
    const frame = place === undefined ? undefined : this.frameOf(question, place);
    if (place !== undefined && frame !== undefined) this.options.ears.send(place.linkIndex, frame);
  }

  private frameOf(question: Question, place: NonNullable<ReturnType<LinkPlaces["get"]>>) {
    const { kind, address, mac } = question;
    const family = familyOf(address);
    const own = family === 4 ? place.own4 : place.own6;
    if (kind === "echo") {
      if (own === undefined) return undefined;
      this.sequence = (this.sequence + 1) & 0xffff;
      const ends = { fromMac: place.mac, toMac: mac, from: own, to: address };
      return echoRequest(ends, this.options.name, this.sequence);
    }
    const nobody = family === 4 ? NO_ADDRESS : UNSPECIFIED;
    const from = { mac: place.mac, address: kind === "who-has" ? nobody : (own ?? nobody) };
    const ask = family === 4 ? arpQuestion : neighbourQuestion;
    return ask(address, from, mac ?? undefined);
  }
}
