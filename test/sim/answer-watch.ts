// answer-watch.ts — promise 1: at most one node answers ARP for a floating IP; see docs/failover.md.
import { answerCounts, witnessInterval } from "@lbpair/heartbeat";
import type { Machine } from "./machine.js";
import { DELAY_MS } from "./network.js";
import type { Watch } from "./watch.js";

/** Frames there and back twice: a question, its answer, and the echo that confirms it. */
const DELAYS = 4;

export class AnswerWatch {
  private readonly watch: Watch;
  /** Since when both answer on a network that both are on; null = they do not. */
  private bothSince: number | null = null;
  /** Since when both daemons run and can hear each other. */
  private hearingSince = Number.POSITIVE_INFINITY;
  /** The same in one direction only. */
  private oneHearsSince = Number.POSITIVE_INFINITY;
  /** Since when each kernel would answer, whoever could ask it; Infinity = it would not. */
  private readonly holdingSince: [number, number] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ];
  /** When both kernels last would have answered. */
  private heldAt = Number.NEGATIVE_INFINITY;
  /** Whether this time of both holding has been judged. */
  private judged = false;
  /** Longest time that both answered, over this life. */
  longestMs = 0;

  constructor(watch: Watch) {
    this.watch = watch;
  }

  private noteHolding(machine: Machine): void {
    const { side, running, kernel } = machine;
    const holds = running && kernel.answers(machine.now());
    if (!holds) this.holdingSince[side] = Number.POSITIVE_INFINITY;
    else if (this.holdingSince[side] === Number.POSITIVE_INFINITY)
      this.holdingSince[side] = this.watch.life.world.now;
  }

  /** Whether both kernels would answer, whoever could ask them. */
  private bothHold(): boolean {
    return Math.max(...this.holdingSince) < Number.POSITIVE_INFINITY;
  }

  private bothAnswer(): boolean {
    const { network } = this.watch.life.world;
    if (!this.bothHold()) return false;
    return network.wires.some(
      ({ serves, carrier, loss }) =>
        serves && carrier[0] && carrier[1] && (loss[0] < 1 || loss[1] < 1),
    );
  }

  private hears(from: Machine, to: Machine): boolean {
    const { network } = this.watch.life.world;
    const talks = from.running && from.daemon !== null && !from.daemon.frozen;
    const listens = to.running && to.daemon !== null && !to.daemon.frozen;
    return talks && listens && network.pathWell(from.side);
  }

  /** Whether both daemons run and each can hear the other. */
  get theyHear(): boolean {
    const [one, other] = this.watch.life.world.machines;
    return this.hears(one, other) && this.hears(other, one);
  }

  look(): void {
    const { world } = this.watch.life;
    const [one, other] = world.machines;
    this.noteHolding(one);
    this.noteHolding(other);
    if (this.bothHold()) this.heldAt = world.now;
    // A lease whose table was gone for a moment is the same.
    else if (world.now - this.heldAt > world.timing.keepalive) this.judged = false;
    if (!this.bothAnswer()) {
      this.bothSince = null;
      this.hearingSince = Number.POSITIVE_INFINITY;
      this.oneHearsSince = Number.POSITIVE_INFINITY;
      return;
    }
    const { now } = world;
    if (this.bothSince === null) {
      this.bothSince = now;
      world.say("both answer for the floating IPs");
      // A cable that is out for a moment begins nothing new.
      if (!this.judged) this.judgeBeginning();
      this.judged = true;
    }
    this.longestMs = Math.max(this.longestMs, now - this.bothSince);
    const [to, from] = [this.hears(one, other), this.hears(other, one)];
    this.hearingSince = to && from ? Math.min(this.hearingSince, now) : Number.POSITIVE_INFINITY;
    this.oneHearsSince = to || from ? Math.min(this.oneHearsSince, now) : Number.POSITIVE_INFINITY;
    this.judgeLength(now);
  }

  /** Whether this may be at all. */
  private judgeBeginning(): void {
    const { watch } = this;
    const { world } = watch.life;
    if (world.now <= watch.exemptUntil) return;
    if (world.machines.some(({ kernel }) => !kernel.gate)) return;
    // What nft was told in time, and the kernel did late, nobody can take back.
    if (world.ills.some(({ nft, nftIllUntil }) => nft !== "well" || world.now < nftIllUntil))
      return;
    const { timing, network, settings } = world;
    const claimAt = Math.max(...watch.claims.answeringSince);
    // A path is of no use to a node that stands still.
    const [one, other] = world.machines.map(({ quietSince }) =>
      Math.min(quietSince ?? claimAt, claimAt),
    );
    const ago = 2 * timing.keepalive + 50;
    const cutSince = (ms: number) =>
      network.pathsBadSince((one ?? claimAt) - ms, 0) ||
      network.pathsBadSince((other ?? claimAt) - ms, 1);
    const cut =
      world.now <= watch.unheardUntil ||
      // Nor to one whose clocks hide that it stood still: its peer's lease may be the long one by now.
      world.machines.some(({ hiddenUntil }) => hiddenUntil > claimAt - settings[0].loneLease) ||
      cutSince(ago);
    const askedBy = claimAt - answerCounts(settings[0]);
    const blind =
      !world.ills[0].witnessAble ||
      settings[0].whenVipAnswers === "take-over" ||
      // Before its first advert of version 2 nobody knows what the peer's MACs are.
      world.machines.some(({ peerMacs }) => peerMacs.length === 0) ||
      network.witnessesBadSince(askedBy);
    // A witness cannot tell of an address that was not raised when it was last asked.
    const [a, b] = watch.claims.answeringSince;
    const [claimant, holder] = a >= b ? ([0, 1] as const) : ([1, 0] as const);
    const lastAskedAt = claimAt - 2 * witnessInterval(settings[0]) - DELAYS * DELAY_MS;
    const together = watch.claims.bySilence[claimant] && this.holdingSince[holder] > lastAskedAt;
    // Of a long lease that was taken while the paths were cut only the witnesses can tell, or time.
    if ((cut && together) || ((cut || cutSince(settings[0].initdead)) && blind)) return;
    const why = !cut ? "a path was well" : "a network of floating IPs was well";
    watch.fail("promise 1", `both nodes answer for the floating IPs though ${why}`);
  }

  /** Whether it may still be. */
  private judgeLength(now: number): void {
    const { watch } = this;
    const { world } = watch.life;
    // What nft does not do, the kernel's own clock does.
    const ill = world.ills.some(({ nft, nftIllUntil }) => nft !== "well" || now < nftIllUntil);
    const kernelsMs = ill ? world.timing.lease : 0;
    // Adverts that wait behind a slow `ip` go out beside it one keepalive later.
    const busy = world.ills.some(({ slowIp, slowIpUntil }) => slowIp || now < slowIpUntil);
    const busyMs = busy ? world.timing.keepalive : 0;
    const delayMs = busyMs + 3 * Math.max(...world.network.wires.map((wire) => wire.delayMs));
    // Without its gate a kernel answers for an address that a command of before its daemon's death raised.
    if (world.machines.some(({ kernel }) => !kernel.gate)) this.hearingSince = now;
    // What a retired run says counts only once the session is renewed.
    if (now <= watch.unheardUntil) this.hearingSince = now;
    if (now - this.hearingSince > watch.hearMs + kernelsMs + delayMs) {
      watch.fail("promise 1", "both nodes answer though they hear each other");
    }
    const { deadtime, keepalive } = world.timing;
    const knows = world.machines.some(({ daemon }) => daemon?.heart.state.toldAlive === true);
    if (!knows) this.oneHearsSince = now;
    if (now - this.oneHearsSince > deadtime + 4 * keepalive + 100 + kernelsMs + delayMs) {
      watch.fail("promise 1", "both nodes answer though one hears the other");
    }
  }
}
