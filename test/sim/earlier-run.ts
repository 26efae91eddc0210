// earlier-run.ts — adverts of a run of the peer that ended before they came: kept back in flight, and played later.
//
// They echo the receiver's present session, and their run was never met: nothing the receiver remembers
// tells them from those of a run that has just started.
import { decodeDatagram } from "@lbpair/heartbeat";
import type { Life } from "./life.js";
import type { Machine } from "./machine.js";

interface Kept {
  readonly path: number;
  readonly bytes: Uint8Array;
  readonly yielding: boolean;
  readonly session: string;
}

/** Of each side, what was kept back, and whether more is. */
export class KeptBack {
  keeping = false;
  kept: Kept[] = [];

  /** Whether this datagram does not arrive: it would have been believed. */
  takes(path: number, bytes: Uint8Array, session: string | undefined): boolean {
    if (!this.keeping || session === undefined) return false;
    const decoded = decodeDatagram(bytes, () => new Uint8Array(32));
    if (!decoded.ok || decoded.datagram.kind !== "advert") return false;
    const { advert } = decoded.datagram;
    if (advert.echo !== session && advert.echoCandidate !== session) return false;
    const yielding = advert.yielding && advert.leaseMs === 0;
    this.kept.push({ path, bytes, yielding, session: advert.session });
    return true;
  }
}

/**
 * A run of the daemon of which the peer hears hellos only; where it is active it is told to hand over, so
 * that offers are among what it says. It ends, the next run is met, and then what it said comes.
 */
export function sayInVain(life: Life, { side }: Machine): () => void {
  const { world } = life;
  const { random, network, timing } = world;
  const back = world.keptBack[side];
  const other = side === 0 ? 1 : 0;
  const hold = (keeping: boolean) => {
    back.keeping = keeping;
    network.keptBack[side] = keeping;
    network.touch(world.now);
  };
  const restart = () => {
    world.machines[side].killDaemon();
    world.after(random.between(20, 80), () => world.machines[side].startDaemon());
  };
  const kept: Kept[] = [];
  back.kept = kept;
  hold(true);
  restart();
  world.after(random.between(0.1, 0.5) * timing.deadtime + 100, () => {
    if (back.keeping) life.order(world.machines[side], other);
  });
  return () => {
    hold(false);
    restart();
    if (random.chance(0.5)) {
      world.after(timing.deadtime, () => life.order(world.machines[side], side));
    }
    for (let i = 0; i < 4; i += 1) {
      world.after(random.between(0.2, 3.5) * timing.deadtime, () => comeLate(life, side, kept));
    }
  };
}

/** The offers first, if there are some: they do the most harm. */
function comeLate({ world }: Life, side: 0 | 1, kept: readonly Kept[]): void {
  const { random } = world;
  // One that was met after all is no earlier run: its last words came late, as a network may have them.
  const met = world.machines[side === 0 ? 1 : 0].daemon?.mail.conversation.session.accepted;
  const unmet = kept.filter(({ session }) => session !== met);
  if (unmet.length === 0) return;
  const offers = unmet.filter(({ yielding }) => yielding);
  const late = [...offers.slice(-4), random.pick(unmet), random.pick(unmet)];
  world.say(
    `${late.length} adverts of an earlier run come, ${offers.length > 0 ? "offers" : "no offer"} among them`,
  );
  for (const { path, bytes } of late) world.deliver(side, path, bytes, random.next() * 5);
}
