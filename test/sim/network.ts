// network.ts — the wires between two machines, and the heartbeat's paths on them: what arrives, when.
//
// A wire is one network: a switch with both machines and, where it carries floating IPs, a neighbour that
// both hear. A path is UDP on a wire, which a firewall may cut alone. Direction d is from machine d.
import type { Random } from "./random.js";

export interface Wire {
  /** Whether floating IPs live here; such wires are witnesses. */
  readonly serves: boolean;
  /** Chance that a frame from machine d is lost; 1 = cut. */
  readonly loss: [number, number];
  /** Whether each machine has a carrier. */
  readonly carrier: [boolean, boolean];
  /** Whether each machine hears the neighbours. */
  readonly neighbours: [boolean, boolean];
  /** Longest delay of a frame, in milliseconds; frames overtake each other within it. */
  delayMs: number;
  /** Chance that a frame comes twice. */
  twice: number;
  /** Until when something was wrong, in either direction; Infinity = it is. */
  badUntil: [number, number];
}

export interface Path {
  readonly wire: Wire;
  readonly loss: [number, number];
  badUntil: [number, number];
}

/** Longest delay where nothing is wrong. */
export const DELAY_MS = 2;

const wire = (serves: boolean): Wire => ({
  serves,
  loss: [0, 0],
  carrier: [true, true],
  neighbours: [true, true],
  delayMs: DELAY_MS,
  twice: 0,
  badUntil: [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
});

export class Network {
  readonly wires: readonly Wire[];
  readonly paths: readonly Path[];
  /** Whether what machine d says is kept back: for the peer its paths are bad. */
  readonly keptBack: [boolean, boolean] = [false, false];

  /** One or two networks of floating IPs, one to three paths, of which the last may have its own wire. */
  constructor(random: Random) {
    const serving = 1 + random.below(2);
    const wires = Array.from({ length: serving }, () => wire(true));
    const paths = 1 + random.below(3);
    const own = paths > 1 || random.chance(0.3) ? wire(false) : undefined;
    this.wires = own === undefined ? wires : [...wires, own];
    this.paths = Array.from({ length: paths }, (_, i): Path => {
      const on = i === paths - 1 && own !== undefined ? own : (wires[i % serving] ?? wire(true));
      const bad = Number.NEGATIVE_INFINITY;
      return { wire: on, loss: [0, 0], badUntil: [bad, bad] };
    });
  }

  /** Something changed: what is bad from now on, and what was until now. */
  touch(now: number): void {
    for (const each of this.wires) {
      for (const d of [0, 1] as const) {
        const dark = !each.carrier[0] || !each.carrier[1];
        if (dark || each.loss[d] > 0) each.badUntil[d] = Number.POSITIVE_INFINITY;
        else if (each.badUntil[d] === Number.POSITIVE_INFINITY) each.badUntil[d] = now;
      }
    }
    for (const path of this.paths) {
      for (const d of [0, 1] as const) {
        const silent = this.keptBack[d] || path.loss[d] > 0;
        const bad = silent || path.wire.badUntil[d] === Number.POSITIVE_INFINITY;
        if (bad) path.badUntil[d] = Number.POSITIVE_INFINITY;
        else if (path.badUntil[d] === Number.POSITIVE_INFINITY) path.badUntil[d] = now;
      }
    }
  }

  /** How long a frame from machine `from` takes on a wire; undefined = it is lost. */
  delay(on: Wire, from: 0 | 1, random: Random): number | undefined {
    if (!on.carrier[0] || !on.carrier[1]) return undefined;
    const loss = on.loss[from];
    if (loss > 0 && random.chance(loss)) return undefined;
    return 0.1 + random.next() * on.delayMs;
  }

  /** Whether every path has been bad in that direction at some time since then. */
  pathsBadSince(since: number, direction: 0 | 1): boolean {
    return this.paths.every((path) => path.badUntil[direction] >= since);
  }

  /** Whether every witness network has been bad at some time since then: question or answer may be lost. */
  witnessesBadSince(since: number): boolean {
    return this.wires.every(
      (each) => !each.serves || Math.max(each.badUntil[0], each.badUntil[1]) >= since,
    );
  }

  /** Whether some path is well now in that direction. */
  pathWell(direction: 0 | 1): boolean {
    return this.paths.some((path) => path.badUntil[direction] !== Number.POSITIVE_INFINITY);
  }
}
