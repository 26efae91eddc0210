// provocations.ts — how a pair is brought into a state that it would seldom be in: by other faults.
import type { FaultName } from "./faults.js";
import type { Life } from "./life.js";
import type { Machine } from "./machine.js";

const phaseOf = ({ daemon }: Machine): string => daemon?.heart.state.phase ?? "down";

/** Begins what is likely to lead there; whether it does is seen by whoever waits for the state. */
export function provoke(life: Life, state: string): unknown {
  const { world } = life;
  const { deadtime, lease } = world.timing;
  const { random } = world;
  const holder = world.machines.find((machine) => phaseOf(machine) === "active");
  const active = holder ?? world.machines[0];
  const standby = world.machines[active.side === 0 ? 1 : 0];
  const begin = (fault: FaultName, on: Machine, ms: number) => life.begin(fault, on, ms);
  const handOver = () => begin("order-there", active, 100);
  switch (state) {
    case "ah":
    case "hp":
      return handOver();
    case "hs":
    case "hx":
      handOver();
      return soon(life, 2, () =>
        begin(state === "hs" ? "kill-and-restart" : "freeze", standby, 0.6 * deadtime),
      );
    case "hu":
      handOver();
      return begin("paths-cut", active, 1.2 * deadtime);
    case "aa":
      return begin("partition", active, 2.2 * deadtime);
    case "au":
      return begin("paths-cut", active, 1.2 * deadtime);
    case "ax":
      return begin("kill", standby, random.between(0.2, 1.5) * deadtime);
    case "as":
      return begin("kill-and-restart", standby, 100);
    case "px":
      return begin("freeze", active, random.between(0.3, 0.9) * deadtime);
    case "ux":
      return begin("kill", active, random.between(0.8, 2) * deadtime);
    case "sx":
      begin("kill", active, 2 * deadtime);
      return begin("kill-and-restart", standby, 100);
    case "ps":
    case "su":
      return begin("freeze", active, lease * random.between(1.02, 1.15));
    case "pu":
      begin("both-unready", active, 3 * deadtime);
      begin("kill", active, 1.1 * lease);
      return soon(life, 1.1 * lease + 100, () =>
        begin("paths-cut-one-way", standby, 1.5 * deadtime),
      );
    case "uu":
      if (random.chance(0.3)) {
        begin("freeze", active, lease * random.between(1.02, 1.15));
        return soon(life, 1.05 * lease, () => begin("paths-cut", active, 1.5 * deadtime));
      }
      // Where neither may claim, two that have met suspect each other for as long as they are apart.
      begin("both-unready", active, 4 * deadtime);
      begin("kill", active, 1.1 * lease);
      return soon(life, 1.1 * lease + 100, () => begin("paths-cut", active, 2.5 * deadtime));
    case "ss":
      begin("kill-and-restart", active, 100);
      return begin("power-lost", standby, 50);
    case "xx":
      begin("kill", active, random.between(0.3, 1) * deadtime);
      return begin("kill", standby, random.between(0.3, 1) * deadtime);
    default:
      return undefined;
  }
}

const soon = (life: Life, ms: number, work: () => void): void => life.world.after(ms, work);
