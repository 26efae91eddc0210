// life.ts — one seed: a pair lives for a minute and more, things go wrong, and its promises are watched.
import type { Coverage } from "./coverage.js";
import { FAULT_NAMES, FAULTS, type FaultName } from "./faults.js";
import type { Gap, Machine } from "./machine.js";
import { IMPOSSIBLE, PAIR_STATES, pairState } from "./pair-state.js";
import { provoke } from "./provocations.js";
import { beginSequence } from "./sequences.js";
import { Watch } from "./watch.js";
import { World } from "./world.js";

/** A life is at least this long, in simulated milliseconds. */
export const LIFE_MS = 60_000;
const FAULTS_MIN = 5;
/** How often something is made to go wrong: a sequence is several faults, and so is what leads to the state aimed at. */
const AIMS_MIN = 3;
const AIMS_MORE = 3;
/** Of the lives, how many may have a snapshot or a clone, which cost a second life to make. */
const SNAPSHOT_SHARE = 0.12;
/** How many of their faults are snapshots and clones. */
const SNAPSHOT_FAULTS = 0.4;
/** Of the moments at which something is to go wrong in a calm pair, how many begin a whole sequence. */
const SEQUENCE_SHARE = 0.3;
const SNAPSHOTS: readonly FaultName[] = ["snapshot-reverted", "machine-cloned"];
const OTHERS = FAULT_NAMES.filter((name) => !SNAPSHOTS.includes(name));
/** States that seldom come about, though they are provoked: so many more turns. */
const SELDOM: Readonly<Record<string, number>> = {
  aa: 3,
  ah: 3,
  hp: 3,
  hs: 3,
  hu: 3,
  hx: 3,
  px: 3,
  pu: 4,
  su: 4,
  uu: 4,
};
const AIMED: readonly string[] = PAIR_STATES.filter(
  (state) => IMPOSSIBLE[state] === undefined,
).flatMap((state) => new Array<string>(SELDOM[state] ?? 2).fill(state));

export interface LifeOptions {
  readonly tracing?: boolean;
  readonly coverage?: Coverage;
}

interface Aimed {
  readonly fault: FaultName;
  readonly state: string;
  readonly patienceEndsAt: number;
}

interface Awaited {
  readonly test: () => boolean;
  readonly until: number;
  readonly work: () => void;
}

export class Life {
  readonly seed: number;
  readonly world: World;
  readonly watch: Watch;
  private readonly coverage: Coverage | undefined;
  /** Faults that have begun and not yet ended. */
  open = 0;
  lastBeginAt = Number.NEGATIVE_INFINITY;
  lastEndAt = 0;
  /** Until when a fault that is over may still be felt. */
  lingersUntil = 0;
  begun = 0;
  private left: number;
  private aimed: Aimed | null = null;
  private awaited: Awaited | null = null;
  private exits: [(() => void) | null, (() => void) | null] = [null, null];
  private readonly snapshots: boolean;
  private quietAt = Number.POSITIVE_INFINITY;

  constructor(seed: number, options: LifeOptions = {}) {
    this.seed = seed;
    this.coverage = options.coverage;
    this.world = new World(seed, options.tracing === true);
    const { world } = this;
    const { random } = world;
    this.watch = new Watch(this);
    world.watcher = this.watch;
    world.ended = (side) => {
      const work = this.exits[side];
      this.exits[side] = null;
      work?.();
    };
    world.started = () => {
      this.lastEndAt = world.now;
    };
    this.snapshots = random.chance(SNAPSHOT_SHARE);
    this.left = AIMS_MIN + random.below(AIMS_MORE);
    for (const machine of world.machines)
      world.after(random.next() * 300, () => machine.startDaemon());
    world.after(random.between(1, 3) * world.timing.deadtime, () => this.aim());
  }

  /** Plays to the end of it. Throws BrokenPromise. */
  play(): void {
    const { world } = this;
    // Faults go on until all have been; then the pair is left alone.
    while (this.quietAt === Number.POSITIVE_INFINITY) world.play(world.now + world.timing.deadtime);
    world.play(Math.max(LIFE_MS, this.quietAt + this.watch.settleMs));
    this.watch.atTheEnd();
  }

  /** Chooses what goes wrong next, and in which state of the pair it shall strike. */
  private aim(): void {
    const { world } = this;
    const { random, timing } = world;
    if (this.left <= 0 && this.begun >= FAULTS_MIN) {
      if (this.open > 0) world.after(timing.deadtime / 4, () => this.aim());
      else this.quietAt = world.now;
      return;
    }
    this.left -= 1;
    if (pairState(world) === "ap" && random.chance(SEQUENCE_SHARE)) {
      const tookMs = beginSequence(this);
      world.after(tookMs + random.between(0, 2.5) * timing.deadtime, () => this.aim());
      return;
    }
    const fault = this.pickFault();
    const state = random.chance(0.2) ? "ap" : random.pick(AIMED);
    if (pairState(world) !== state) provoke(this, state);
    const patienceEndsAt = world.now + random.between(0.7, 3) * timing.deadtime;
    this.aimed = { fault, state, patienceEndsAt };
    world.after(patienceEndsAt - world.now, () => undefined);
    this.strikeWhereAimed();
  }

  private pickFault(): FaultName {
    const { random } = this.world;
    if (this.snapshots && random.chance(SNAPSHOT_FAULTS)) return random.pick(SNAPSHOTS);
    return random.pick(OTHERS);
  }

  /** Does something as soon as that is so; not at all where it takes longer. One wish at a time. */
  when(test: () => boolean, withinMs: number, work: () => void): void {
    this.awaited = { test, until: this.world.now + withinMs, work };
  }

  private meetAwaited({ test, until, work }: Awaited): void {
    const late = this.world.now > until;
    if (!late && !test()) return;
    this.awaited = null;
    if (!late) work();
  }

  /** After each event: whether the pair is where the next fault is aimed. */
  strikeWhereAimed(): void {
    const { aimed, awaited, world } = this;
    if (awaited !== null) this.meetAwaited(awaited);
    if (aimed === null) return;
    if (world.now < aimed.patienceEndsAt && pairState(world) !== aimed.state) return;
    this.aimed = null;
    const { random, timing } = world;
    const machine = world.machines[random.below(2) === 0 ? 0 : 1];
    const long = random.chance(0.5);
    this.begin(aimed.fault, machine, random.between(0.02, long ? 3 : 0.8) * timing.deadtime);
    // Sometimes close upon the last, sometimes alone.
    const gap = random.chance(0.3) ? random.next() * 0.1 : random.between(0.3, 2.5);
    world.after(gap * timing.deadtime, () => this.aim());
  }

  begin(name: FaultName, machine: Machine, ms: number): void {
    const { world } = this;
    const state = pairState(world);
    this.coverage?.count(name, state);
    this.watch.begins(name, machine.side, state);
    if (world.trace !== null) {
      world.say(`${name}, ${machine.name}, for ${ms.toFixed(0)} ms (the pair is ${state})`);
    }
    this.open += 1;
    this.begun += 1;
    this.lastBeginAt = world.now;
    const end = FAULTS[name].begin(this, machine, ms);
    world.after(ms, () => {
      end();
      world.trace?.push({ at: world.now, who: "world", text: `${name} is over` });
      this.open -= 1;
      this.lastEndAt = Math.max(world.now, this.lingersUntil);
      this.watch.ends();
    });
  }

  order(machine: Machine, side: 0 | 1): void {
    const designation = side === 0 ? "primary" : "secondary";
    machine.say(`is told to make the ${designation} active`);
    machine.whenAwake((daemon) => daemon.makeActive(designation));
  }

  /** Calls once when this side's daemon ends by itself. */
  onExit(side: 0 | 1, work: () => void): void {
    this.exits[side] = work;
  }

  /** The kernel tells the daemons about their links. */
  linkNews(machines: readonly Machine[]): void {
    for (const { side } of machines) {
      const at = this.world.machines[side];
      at.after(this.world.random.between(1, 25), 0, false, () =>
        at.whenAwake((daemon) => daemon.setLocal()),
      );
    }
  }

  private health(machines: readonly Machine[], worse: (machine: Machine, bad: boolean) => void) {
    const sides = machines.map(({ side }) => side);
    const set = (bad: boolean) => {
      for (const side of sides) worse(this.world.machines[side], bad);
      this.linkNews(machines);
    };
    set(true);
    return () => set(false);
  }

  unready(machines: readonly Machine[]): () => void {
    return this.health(machines, ({ ills }, bad) => {
      ills.forwarderReady = !bad;
    });
  }

  losePings(machines: readonly Machine[]): () => void {
    return this.health(machines, ({ ills }, bad) => {
      ills.pingsLost = bad ? 1 : 0;
    });
  }

  /** The whole machine stands still. */
  pause(machine: Machine, gap: Gap): () => void {
    machine.stop(gap);
    const { side } = machine;
    return () => {
      const at = this.world.machines[side];
      if (at.stopped === null) return;
      at.resume();
      this.watch.vmTrouble(at);
    };
  }

  /** Plays the same life up to an earlier moment, to have a machine as it was then. */
  private earlier(side: 0 | 1, at: number): Machine | null {
    const shadow = new Life(this.seed);
    shadow.watch.off = true;
    shadow.world.play(at);
    const machine = shadow.world.machines[side];
    if (!machine.powered || machine.stopped !== null) return null;
    machine.strike = null;
    machine.moveTo(this.world);
    return machine;
  }

  private past(): number {
    const { world } = this;
    return Math.max(0, world.now - world.random.between(0.1, 3) * world.timing.deadtime);
  }

  revert(side: 0 | 1): void {
    const machine = this.earlier(side, this.past());
    if (machine === null) return;
    this.world.machines[side] = machine;
    machine.say("is reverted to a snapshot");
    this.watch.reverted(machine);
    // Its forwarder and its links are those of now.
    this.linkNews([machine]);
    // Whoever was to start the daemon did so in another life, also where it ends only now.
    const start = () => this.world.after(500, () => this.world.machines[side].startDaemon());
    if (machine.daemon === null) start();
    else this.exits[side] ??= start;
  }

  clone(side: 0 | 1): () => void {
    const machine = this.world.clone === null ? this.earlier(side, this.past()) : null;
    if (machine === null) return () => undefined;
    this.world.clone = machine;
    this.world.say(`a clone of the ${machine.name} runs beside it`);
    this.watch.cloned();
    return () => {
      this.world.clone = null;
      this.watch.uncloned();
    };
  }
}
