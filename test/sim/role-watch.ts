// role-watch.ts — promise 2 and its like: who is active after a fault, and that nothing else moves the role.
import { conditionOf, type Stepped } from "@lbpair/heartbeat";
import type { FaultKind } from "./fault-kind.js";
import type { FaultName } from "./faults.js";
import type { Machine } from "./machine.js";
import type { Watch } from "./watch.js";

/** After the death of the active: deadtime and this long, in milliseconds. */
const TAKE_OVER_MS = 100;
const CLAIMS_PER_FAULT = 6;

/** What one fault alone must or must not lead to. */
interface Expectation {
  readonly fault: FaultName;
  readonly kind: "moves" | "stays";
  readonly holder: 0 | 1;
  readonly since: number;
  /** When it is judged; for "stays", until when it holds. */
  readonly until: number;
}

export class RoleWatch {
  private readonly watch: Watch;
  private expectation: Expectation | null = null;
  /** Since when exactly one is active, with its peer passive. */
  private settledSince = Number.POSITIVE_INFINITY;

  constructor(watch: Watch) {
    this.watch = watch;
  }

  private conditionOf({ daemon, running }: Machine): "active" | "passive" | "none" {
    if (daemon === null || !running) return "none";
    return conditionOf(daemon.heart.state);
  }

  private holder(): 0 | 1 | null {
    const [one, other] = this.watch.life.world.machines;
    const a = this.conditionOf(one) === "active" && one.kernel.answers(one.now());
    const b = this.conditionOf(other) === "active" && other.kernel.answers(other.now());
    if (a === b) return null;
    return a ? 0 : 1;
  }

  private settled(): boolean {
    const [one, other] = this.watch.life.world.machines;
    const phases = [one.daemon?.heart.state.phase, other.daemon?.heart.state.phase];
    return phases.includes("active") && phases.includes("passive") && this.holder() !== null;
  }

  begins(fault: FaultName, kind: FaultKind, side: 0 | 1, state: string): void {
    const { life } = this.watch;
    const { world } = life;
    const { deadtime } = world.timing;
    const calmMs = world.now - Math.max(life.lastEndAt, life.lastBeginAt);
    const calm = life.open === 0 && calmMs > this.watch.settleMs;
    const settledMs = world.now - this.settledSince;
    this.expectation = null;
    if (!calm || state !== "ap" || settledMs < deadtime || this.watch.cloneAbout) return;
    const holder = this.holder();
    if (holder === null) return;
    const on = holder === side ? "active" : "passive";
    const stays = kind.harmless === "always" || (kind.harmless === "passive" && on === "passive");
    const since = world.now;
    if (stays) {
      this.expectation = { fault, kind: "stays", holder, since, until: Number.POSITIVE_INFINITY };
    } else if (kind.fatal && on === "active") {
      const until = since + deadtime + TAKE_OVER_MS;
      this.expectation = { fault, kind: "moves", holder, since, until };
    }
  }

  ends(): void {
    const { expectation } = this;
    // It did not last long enough to have to move anything.
    if (expectation?.kind === "moves") this.expectation = null;
  }

  moved({ side }: Machine, { after, before }: Stepped): void {
    const { life } = this.watch;
    const { world } = life;
    const { expectation } = this;
    const failback = world.settings[0].autoFailback;
    const changes = conditionOf(after) !== conditionOf(before) || after.phase === "handing-over";
    if (!changes || failback) return;
    if (expectation?.kind === "stays") {
      this.watch.fail(
        "one fault",
        `${expectation.fault} alone moved the role: ${world.machines[side].name}, ${after.because}`,
      );
    }
    const calmMs = world.now - Math.max(life.lastEndAt, life.lastBeginAt);
    if (life.open === 0 && calmMs > this.watch.settleMs) {
      this.watch.fail("livelock", `the role moves without a fault: ${after.because}`);
    }
  }

  look(): void {
    const { life } = this.watch;
    const { world } = life;
    if (!this.settled()) this.settledSince = Number.POSITIVE_INFINITY;
    else if (this.settledSince === Number.POSITIVE_INFINITY) this.settledSince = world.now;
    const { expectation } = this;
    if (expectation?.kind === "moves" && world.now > expectation.until) {
      this.expectation = null;
      const holder = this.holder();
      if (holder === null || holder === expectation.holder) {
        this.watch.fail(
          "promise 2",
          `${expectation.fault} of the active: nobody has taken over after deadtime and ${TAKE_OVER_MS} ms`,
        );
      }
    }
    if (life.open === 0 && world.now - life.lastEndAt > this.watch.settleMs) this.judgeCalm();
    for (const machine of world.machines) this.judgeOrder(machine);
  }

  private judgeCalm(): void {
    if (this.settledSince !== Number.POSITIVE_INFINITY) return;
    const { life } = this.watch;
    const { world } = life;
    if (life.lastBeginAt > world.now - this.watch.settleMs) return;
    // A hand-over that the pair has agreed on may be under way.
    const handing = world.machines.some(({ daemon }) => daemon?.heart.state.handOver !== null);
    const [one, other] = world.machines.map((machine) => this.conditionOf(machine));
    if (handing || (one !== other && world.settings[0].autoFailback)) return;
    this.watch.fail("settling", `after all faults the nodes are ${one} and ${other}`);
  }

  private judgeOrder({ daemon, side }: Machine): void {
    if (daemon === null || daemon.orderSince === null) return;
    const { world } = this.watch.life;
    const { deadtime, keepalive } = world.timing;
    const { loneLease, initdead } = world.settings[side];
    const patience = 2 * Math.max(deadtime, 5 * keepalive) + Math.max(loneLease, initdead);
    const awake = Math.max(daemon.orderSince, daemon.awakeSince);
    if (world.now - awake <= patience + 2 * deadtime || daemon.frozen) return;
    this.watch.fail("orders", `an operator's order was not answered for ${world.now - awake} ms`);
  }

  reverted(): void {
    this.expectation = null;
  }

  atTheEnd(): void {
    const { watch } = this;
    const { world, begun } = watch.life;
    if (watch.cloneAbout) return;
    if (watch.claims.count > 10 + CLAIMS_PER_FAULT * begun) {
      watch.fail("livelock", `${watch.claims.count} claims in a life with ${begun} faults`);
    }
    const holder = this.holder();
    // Auto-failback's hand-over may be under way just now.
    if (holder === null && world.settings[0].autoFailback) return;
    if (holder === null) {
      watch.fail("settling", "not exactly one node is active at the end");
      return;
    }
    // What nobody who lives has heard of, and no disk knows, may be claimed again.
    const known = world.machines.map(({ daemon }) => daemon?.heart.state.highestEpoch ?? 0);
    const { epoch } = world.machines[holder].daemon?.heart.state ?? { epoch: 0 };
    if (epoch < Math.max(...known)) {
      watch.fail("epochs", `${epoch} is held at the end, ${Math.max(...known)} is known`);
    }
  }
}
