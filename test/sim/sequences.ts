// sequences.ts — several faults in the one order that leads a pair to where an election's bugs live.
//
// Each begins in a calm pair and asks for one thing that chance alone would seldom meet: mail that is old
// when it is read, a lease longer than the peer's patience, a kernel that answers on after its node has
// given up, a word of a run that has ended, a claim that its own kernel has not heard of yet.
import { answerCounts } from "@lbpair/heartbeat";
import type { FaultName } from "./faults.js";
import type { Life } from "./life.js";
import type { Machine } from "./machine.js";

interface Pair {
  readonly life: Life;
  readonly active: Machine;
  readonly standby: Machine;
}

/** Begins it; returns how long it takes, in milliseconds. */
type Sequence = (pair: Pair) => number;

const phaseOf = ({ daemon }: Machine): string => daemon?.heart.state.phase ?? "down";

/** Snapshots put another machine in the place of one; whoever acts later means the place. */
const there = (life: Life, { side }: Machine): Machine => life.world.machines[side];

const begin = (life: Life, fault: FaultName, on: Machine, ms: number): void =>
  life.begin(fault, there(life, on), ms);

const soon = (life: Life, ms: number, work: () => void): void => life.world.after(ms, work);

/** The active dies while the other is away: its lease is the long one by then, and one word of it is left at most. */
const diesWhileTheOtherIsAway: Sequence = ({ life, active, standby }) => {
  const { random, timing } = life.world;
  const { deadtime, keepalive } = timing;
  const awayMs = deadtime * random.between(1.3, 2.5) + keepalive;
  const away = random.pick(["machine-suspended", "machine-stalls", "freeze"] as const);
  begin(life, away, standby, awayMs);
  const diesMs = random.between(deadtime + keepalive, awayMs);
  const deadMs = awayMs - diesMs + deadtime * random.between(1.2, 3);
  soon(life, diesMs, () => begin(life, random.pick(["kill", "freeze"]), active, deadMs));
  return diesMs + deadMs;
};

/** Of the one who dies the other hears each word, and is not heard: it knows of a long lease. */
const diesUnhearing: Sequence = ({ life, active, standby }) => {
  const { random, timing } = life.world;
  const diesMs = timing.deadtime * random.between(1.2, 2);
  const deadMs = timing.deadtime * random.between(1.2, 3);
  begin(life, "paths-cut-one-way", standby, diesMs + random.next() * timing.deadtime);
  soon(life, diesMs, () => begin(life, "kill", active, deadMs));
  return diesMs + deadMs;
};

/** An offer waits in the mail of a node that stands still, or sleeps, and is read when it has long been taken back. */
const offerInOldMail: Sequence = ({ life, active, standby }) => {
  const { random, timing, settings } = life.world;
  const { deadtime, warntime, keepalive } = timing;
  const standsMs = warntime + answerCounts(settings[0]) + deadtime * random.between(2.2, 3.5);
  const offerMs = random.next() * Math.max(keepalive / 2, 0.8 * (warntime - keepalive));
  const cutMs = offerMs + random.between(5, 0.3 * keepalive + 5);
  if (random.chance(0.5)) {
    // Its own clock does not count the sleep: what it reads then does not look old.
    begin(life, "freeze", standby, cutMs + 20);
    soon(life, cutMs + 10, () => begin(life, "machine-suspended", standby, standsMs - cutMs));
  } else begin(life, random.pick(["freeze", "machine-stalls"]), standby, standsMs);
  soon(life, offerMs, () => begin(life, "order-there", active, 100));
  soon(life, cutMs, () => begin(life, "paths-cut", active, standsMs - cutMs + deadtime));
  return standsMs + deadtime;
};

/** A role is offered by a node whose nft does not answer: its kernel may go on answering. */
const offerOfAnUnquietKernel: Sequence = ({ life, active }) => {
  const { random, timing } = life.world;
  begin(life, "nft-silent", active, timing.deadtime * random.between(0.3, 1.5));
  soon(life, random.next() * timing.keepalive, () =>
    begin(life, random.pick(["order-there", "ordered-stop"]), active, timing.deadtime),
  );
  return 2 * timing.deadtime;
};

/** What a node said when it handed over is said again by somebody else, to a run that starts and knows nobody. */
const oldOfferToANewRun: Sequence = ({ life, active, standby }) => {
  const { random, timing } = life.world;
  const { keepalive, deadtime } = timing;
  const isActive = (machine: Machine, other: Machine) => () =>
    phaseOf(there(life, machine)) === "active" && phaseOf(there(life, other)) === "passive";
  const replay = () => {
    begin(life, "paths-cut", active, random.between(0.3, 0.9) * deadtime);
    for (let i = 0; i < 3; i += 1) {
      soon(life, random.between(40, 200), () => begin(life, "old-adverts", active, 10));
    }
  };
  begin(life, "order-there", active, 100);
  life.when(isActive(standby, active), keepalive + 100, () => {
    begin(life, "order-there", standby, 100);
    life.when(isActive(active, standby), keepalive + 100, () => {
      const downMs = random.between(50, 0.6 * deadtime);
      begin(life, "kill", standby, downMs);
      soon(life, downMs, replay);
    });
  });
  return 2 * (keepalive + 100) + 2 * deadtime;
};

/** The role is offered to a node that becomes unable to take it just then, and is able again later. */
const offerToTheUnable: Sequence = ({ life, active, standby }) => {
  const { random, timing } = life.world;
  begin(life, "forwarder-unready", standby, timing.deadtime * random.between(0.8, 3));
  soon(life, random.next() * 20, () => begin(life, "order-there", active, 100));
  return 3 * timing.deadtime;
};

/** The dead one's next run shows up while the other claims, and its kernel has not heard of it yet. */
const metWhileClaiming: Sequence = ({ life, active, standby }) => {
  const { random, timing, settings } = life.world;
  const { deadtime } = timing;
  const longMs = 3 * deadtime + answerCounts(settings[0]);
  begin(life, "kill", active, longMs);
  const illMs = deadtime * random.between(0.6, 0.8);
  soon(life, illMs, () =>
    begin(life, random.pick(["nft-silent", "nft-late"]), standby, longMs - illMs),
  );
  const claims = () => {
    const { daemon } = there(life, standby);
    return daemon !== null && phaseOf(daemon.machine) === "active" && !daemon.book.held;
  };
  life.when(claims, longMs, () => there(life, active).startDaemon());
  return longMs;
};

/** Two that are active meet while `ip` still prolongs the addresses of the one who has to stand down. */
const meetWithIpBusy: Sequence = ({ life, active, standby }) => {
  const { random, timing } = life.world;
  const { deadtime, keepalive } = timing;
  const apartMs = deadtime + random.between(0.3, 1.6) * keepalive;
  begin(life, "partition", active, apartMs);
  // Just before it finds itself alone, and prolongs them: earlier, and they would end by themselves.
  soon(life, deadtime - random.next() * keepalive, () => {
    begin(life, "ip-slow", active, 2 * keepalive);
    if (random.chance(0.2)) begin(life, "ip-slow", standby, 2 * keepalive);
  });
  return apartMs + 3 * keepalive;
};

const SEQUENCES: readonly Sequence[] = [
  diesWhileTheOtherIsAway,
  diesUnhearing,
  offerInOldMail,
  offerOfAnUnquietKernel,
  oldOfferToANewRun,
  offerToTheUnable,
  metWhileClaiming,
  meetWithIpBusy,
];

/** Begins one of them; returns how long it takes, in milliseconds. 0: the pair is not calm enough for any. */
export function beginSequence(life: Life): number {
  const { world } = life;
  const active = world.machines.find((machine) => phaseOf(machine) === "active");
  const standby = world.machines.find((machine) => phaseOf(machine) === "passive");
  if (active === undefined || standby === undefined) return 0;
  return world.random.pick(SEQUENCES)({ life, active, standby });
}
