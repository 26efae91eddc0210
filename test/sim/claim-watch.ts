// claim-watch.ts — every claim is above all that its maker could know, and none is made against a peer that can be heard.
import { conditionOf, type Stepped } from "@lbpair/heartbeat";
import type { Machine } from "./machine.js";
import type { Watch } from "./watch.js";

interface Claim {
  readonly epoch: number;
  readonly side: 0 | 1;
  readonly at: number;
}

/** What one run of a daemon must know. */
interface Known {
  readonly run: number;
  claimed: number;
  heard: number;
}

const NOTHING: Known = { run: 0, claimed: 0, heard: 0 };

export class ClaimWatch {
  private readonly watch: Watch;
  /** When each node last claimed, or took its lease again. */
  readonly answeringSince: [number, number] = [0, 0];
  /** Whether that was by silence. */
  readonly bySilence: [boolean, boolean] = [false, false];
  /** Claims of this life. */
  count = 0;
  private highest: Claim = { epoch: 0, side: 0, at: 0 };
  /** Run of the daemon, its last claim, and the highest number it has heard of. */
  private readonly known: [Known, Known] = [{ ...NOTHING }, { ...NOTHING }];

  constructor(watch: Watch) {
    this.watch = watch;
  }

  stepped(machine: Machine, step: Stepped): void {
    const { side, daemon } = machine;
    const { event, before, after } = step;
    const { now } = this.watch.life.world;
    const known = this.known[side];
    if (daemon !== null && known.run !== daemon.run) {
      this.known[side] = { run: daemon.run, claimed: 0, heard: 0 };
    }
    if (after.phase === "active" && before.phase !== "active") {
      this.answeringSince[side] = now;
      // A hand-over that nobody answers is taken back by silence too.
      this.bySilence[side] = ["silence", "lone", "no-answer"].includes(after.rule);
    }
    if (event.kind === "advert") {
      const { epoch, highestEpoch } = event.peer;
      this.known[side].heard = Math.max(this.known[side].heard, epoch, highestEpoch);
    }
    if (after.epoch === before.epoch) return;
    if (conditionOf(before) === "passive") this.judgePatience(machine, step);
    this.claimed(side, after.epoch);
    const bySilence = after.rule === "silence" || after.rule === "lone";
    if (bySilence && before.phase !== "active") this.judgeSilence(side);
  }

  private claimed(side: 0 | 1, epoch: number): void {
    const { watch } = this;
    const { claimed, heard } = this.known[side];
    this.count += 1;
    if (epoch <= claimed) watch.fail("epochs", `claims ${epoch} after having claimed ${claimed}`);
    if (epoch <= heard) watch.fail("epochs", `claims ${epoch} after having heard of ${heard}`);
    this.known[side].claimed = epoch;
    if (epoch > this.highest.epoch) this.highest = { epoch, side, at: watch.life.world.now };
  }

  /** A lease that the peer has said to run, and that does run in its kernel, is waited for, whoever offers what. */
  private judgePatience(machine: Machine, { now, after: { peer, rule } }: Stepped): void {
    const { watch } = this;
    const leftMs = peer === null ? 0 : peer.leaseMs - (now - peer.heardAt);
    if (leftMs <= 0) return;
    const { machines, network } = watch.life.world;
    const holder = machines[machine.side === 0 ? 1 : 0];
    if (!network.wires.some((wire) => wire.serves && holder.answersOn(wire))) return;
    const text = `the ${machine.name} claims (${rule}) while the peer answers, whose lease it knows to run for ${Math.round(leftMs)} ms more`;
    watch.fail("lease", text);
  }

  /** An active peer that lives, speaks and is on a path that is well must have been heard, however late the judge is. */
  private judgeSilence(side: 0 | 1): void {
    const { watch } = this;
    const { world } = watch.life;
    const peer = world.machines[side === 0 ? 1 : 0];
    const { daemon } = peer;
    if (daemon === null || daemon.frozen || !peer.running) return;
    // Whoever ends by an order may be kept from its end by a slow `ip`, and says nothing meanwhile.
    if (!daemon.beating) return;
    if (daemon.heart.state.phase !== "active" || !daemon.book.held) return;
    const since = world.now - 2 * world.timing.keepalive - 60;
    if (daemon.awakeSince > since || peer.resumedAt > since) return;
    // A pause that its clocks hide is silence to it; then only the witnesses can tell.
    if (world.machines[side].hiddenUntil > since) return;
    if (world.ills[peer.side].nft !== "well") return;
    if (world.now <= Math.max(watch.exemptUntil, watch.unheardUntil)) return;
    const delayed = world.network.wires.some((wire) => wire.delayMs > 20);
    if (delayed || world.network.pathsBadSince(since, peer.side)) return;
    // Of a run that it has not yet met it hears nothing but hellos: those need both directions.
    const judge = world.machines[side].daemon;
    const met = judge === null || judge.hasMet(daemon);
    if (!met && world.network.pathsBadSince(since, side)) return;
    watch.fail("lateness", `takes over from a peer that speaks and is on a path that is well`);
  }

  /** This side forgets what it claimed and heard. */
  reverted({ side }: Machine): void {
    const { world } = this.watch.life;
    const peer = world.machines[side === 0 ? 1 : 0];
    this.known[side] = { ...NOTHING };
    const epoch = peer.daemon?.heart.state.highestEpoch ?? 0;
    this.highest = { epoch: Math.min(epoch, this.highest.epoch), side: peer.side, at: world.now };
  }
}
