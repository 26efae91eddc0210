// network-faults.ts — what goes wrong between the machines: cut, lossy, slow, repeated; cables and switches.
import { answerCounts } from "@lbpair/heartbeat";
import { sayInVain } from "./earlier-run.js";
import { always, type Faults, never, nothing, passive } from "./fault-kind.js";
import type { Life } from "./life.js";
import type { Machine } from "./machine.js";
import type { Path, Wire } from "./network.js";

/** Something about the network; undone at the end. */
function network(life: Life, change: () => void, undo: () => void): () => void {
  const { world } = life;
  change();
  world.network.touch(world.now);
  return () => {
    undo();
    world.network.touch(world.now);
  };
}

const lose = (of: Path | Wire, from: number, to: number) => {
  of.loss[0] = from;
  of.loss[1] = to;
};

const cutPaths = (life: Life, paths: readonly Path[], from: number, to: number) =>
  network(
    life,
    () => paths.forEach((path) => void lose(path, from, to)),
    () => paths.forEach((path) => void lose(path, 0, 0)),
  );

const cutWires = (life: Life, wires: readonly Wire[], loss: number) =>
  network(
    life,
    () => wires.forEach((wire) => void lose(wire, loss, loss)),
    () => wires.forEach((wire) => void lose(wire, 0, 0)),
  );

function unplug(life: Life, machines: readonly Machine[], wires: readonly Wire[]): () => void {
  const set = (carrier: boolean) => {
    for (const wire of wires) for (const { side } of machines) wire.carrier[side] = carrier;
    life.linkNews(machines);
  };
  return network(
    life,
    () => set(false),
    () => set(true),
  );
}

const serving = (life: Life) => life.world.network.wires.filter(({ serves }) => serves);

export const NETWORK_FAULTS = {
  "loss-on-all-paths": {
    ...never,
    begin: (life) => {
      const share = life.world.random.between(0.05, 0.4);
      return cutPaths(life, life.world.network.paths, share, share);
    },
  },
  "loss-on-a-path": {
    ...never,
    begin: (life) => cutPaths(life, [life.world.random.pick(life.world.network.paths)], 0.5, 0.5),
  },
  "path-cut": {
    ...never,
    begin: (life) => cutPaths(life, [life.world.random.pick(life.world.network.paths)], 1, 1),
  },
  "paths-cut-one-way": {
    ...never,
    begin: (life, machine) => {
      const from = machine.side === 0 ? 1 : 0;
      return cutPaths(life, life.world.network.paths, from, 1 - from);
    },
  },
  "paths-cut": {
    ...never,
    begin: (life) => cutPaths(life, life.world.network.paths, 1, 1),
  },
  "wire-cut": {
    ...never,
    begin: (life, machine) => {
      const wire = life.world.random.pick(life.world.network.wires);
      // The neighbours are on one side of the break, or on both.
      const lonely = life.world.random.chance(0.5);
      const undo = cutWires(life, [wire], 1);
      if (lonely) wire.neighbours[machine.side] = false;
      return () => {
        wire.neighbours[machine.side] = true;
        undo();
      };
    },
  },
  "loss-on-all-wires": {
    ...never,
    begin: (life) => {
      const share = life.world.random.between(0.05, 0.3);
      return cutWires(life, life.world.network.wires, share);
    },
  },
  partition: { ...never, begin: (life) => cutWires(life, life.world.network.wires, 1) },
  delay: {
    ...always,
    begin: (life) => {
      const { network: net, random } = life.world;
      // Longer, and witnesses that need two answers in three rounds would be of no use.
      const ms = random.between(2, answerCounts(life.world.settings[0]) / 6);
      for (const wire of net.wires) wire.delayMs = ms;
      return () => {
        for (const wire of net.wires) wire.delayMs = 2;
      };
    },
  },
  duplication: {
    ...always,
    begin: (life) => {
      const { wires } = life.world.network;
      for (const wire of wires) wire.twice = life.world.random.between(0.2, 1);
      return () => {
        for (const wire of wires) wire.twice = 0;
      };
    },
  },
  "carrier-lost": {
    ...passive,
    begin: (life, machine) =>
      unplug(life, [machine], [life.world.random.pick(life.world.network.wires)]),
  },
  "all-carriers-lost": {
    ...passive,
    begin: (life, machine) => unplug(life, [machine], life.world.network.wires),
  },
  "carrier-flaps": {
    ...passive,
    begin: (life, machine) => {
      const { random, network: net } = life.world;
      const plug = unplug(life, [machine], [random.pick(net.wires)]);
      life.world.after(random.between(5, 60), plug);
      return nothing;
    },
  },
  "switch-dies": {
    ...never,
    begin: (life) => unplug(life, life.world.machines, [life.world.random.pick(serving(life))]),
  },
  "adverts-of-an-earlier-run": {
    ...never,
    begin: (life, machine) => sayInVain(life, machine),
  },
  "old-adverts": {
    ...always,
    begin: (life, machine) => {
      const { recorded, offers, random } = life.world;
      const offered = offers[machine.side];
      const old = offered.length > 0 && random.chance(0.5) ? offered : recorded[machine.side];
      const count = Math.min(old.length, 3 + random.below(20));
      for (let i = 0; i < count; i += 1) {
        const { path, bytes } = random.pick(old);
        life.world.deliver(machine.side, path, bytes, random.next() * 50);
      }
      return nothing;
    },
  },
} as const satisfies Faults;
