// faults.ts — everything that goes wrong in a simulated life: each kind, how it begins and how it ends.
// long: one entry for each kind of fault, all of one shape.
import { answerCounts } from "@lbpair/heartbeat";
import type { Life } from "./life.js";
import type { Machine } from "./machine.js";
import type { Path, Wire } from "./network.js";

/**
 * where: what it happens to. harmless: alone it must not move the role, whomever it strikes; "passive":
 * not where it strikes the passive node; never: it may. fatal: alone, and striking the active node for
 * longer than a deadtime, it must move the role.
 */
export interface FaultKind {
  readonly harmless: "always" | "passive" | "never";
  readonly fatal: boolean;
  /** Begins it; returns what ends it. `ms`: for how long it will last. */
  readonly begin: (life: Life, machine: Machine, ms: number) => () => void;
}

const nothing = () => undefined;
const passive = { harmless: "passive", fatal: false } as const;
const always = { harmless: "always", fatal: false } as const;
const never = { harmless: "never", fatal: false } as const;
const fatal = { harmless: "passive", fatal: true } as const;

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

function restartAfter(life: Life, machine: Machine): () => void {
  const { side } = machine;
  return () => life.world.machines[side].startDaemon();
}

function strikeLater(
  life: Life,
  machine: Machine,
  kind: "crash" | "freeze" | "power",
  blow: (at: Machine) => void,
): void {
  const { side } = machine;
  const left = life.world.random.below(10);
  machine.strike = { kind, left, blow: () => blow(life.world.machines[side]) };
}

const reboot = (life: Life, machine: Machine, lastWriteLost: boolean) => {
  machine.powerOff(lastWriteLost);
  const { side } = machine;
  return () => {
    life.world.machines[side].powerOn();
    life.world.machines[side].startDaemon();
  };
};

export const FAULTS = {
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
  "old-adverts": {
    ...always,
    begin: (life, machine) => {
      const { recorded, random } = life.world;
      const old = recorded[machine.side];
      const count = Math.min(old.length, 3 + random.below(20));
      for (let i = 0; i < count; i += 1) {
        const { path, bytes } = random.pick(old);
        life.world.deliver(machine.side, path, bytes, random.next() * 50);
      }
      return nothing;
    },
  },
  "machine-stalls": {
    ...fatal,
    begin: (life, machine) => life.pause(machine, "shown"),
  },
  "machine-suspended": {
    ...fatal,
    begin: (life, machine) => life.pause(machine, "suspended"),
  },
  "machine-paused-unseen": {
    ...fatal,
    begin: (life, machine) => life.pause(machine, "hidden"),
  },
  "snapshot-reverted": {
    ...never,
    begin: (life, machine) => {
      life.revert(machine.side);
      return nothing;
    },
  },
  "machine-cloned": {
    ...never,
    begin: (life, machine) => life.clone(machine.side),
  },
  "power-lost": { ...fatal, begin: (life, machine) => reboot(life, machine, false) },
  "power-lost-and-a-write": { ...fatal, begin: (life, machine) => reboot(life, machine, true) },
  "power-lost-on-both": {
    ...never,
    begin: (life) => {
      const ends = life.world.machines.map((machine) => reboot(life, machine, false));
      return () => {
        for (const end of ends) life.world.after(life.world.random.next() * 500, end);
      };
    },
  },
  "wall-clock-jumps": {
    ...always,
    begin: (life, machine) => {
      machine.ills.wallMs += Math.round(life.world.random.between(-1e9, 1e9));
      return nothing;
    },
  },
  freeze: {
    ...fatal,
    begin: (_life, machine, ms) => {
      machine.say(`the daemon is frozen for ${ms.toFixed(0)} ms`);
      machine.freeze(ms);
      return nothing;
    },
  },
  starved: {
    ...never,
    begin: (life, machine, ms) => {
      const { random, timing } = life.world;
      const { side } = machine;
      const until = life.world.now + ms;
      const hold = () => {
        if (life.world.now > until) return;
        const heldMs = random.between(5, timing.keepalive * 1.5);
        life.world.machines[side].freeze(heldMs);
        life.world.after(heldMs + random.between(1, 30), hold);
      };
      hold();
      return nothing;
    },
  },
  kill: {
    ...fatal,
    begin: (life, machine) => {
      machine.killDaemon();
      return restartAfter(life, machine);
    },
  },
  "kill-and-restart": {
    ...never,
    begin: (life, machine) => {
      machine.killDaemon();
      life.world.after(life.world.random.between(80, 600), restartAfter(life, machine));
      return nothing;
    },
  },
  "killed-at-an-effect": {
    ...never,
    begin: (life, machine) => {
      strikeLater(life, machine, "crash", (at) => {
        at.say("the daemon is killed between two effects");
        at.killDaemon();
        life.world.after(life.world.random.between(80, 600), restartAfter(life, at));
      });
      return () => {
        life.world.machines[machine.side].strike = null;
      };
    },
  },
  "frozen-at-an-effect": {
    ...never,
    begin: (life, machine, ms) => {
      strikeLater(life, machine, "freeze", (at) => {
        at.say("the daemon is frozen between two effects");
        at.freeze(ms);
      });
      return () => {
        life.world.machines[machine.side].strike = null;
      };
    },
  },
  "power-lost-at-an-effect": {
    ...never,
    begin: (life, machine, ms) => {
      strikeLater(life, machine, "power", (at) => {
        at.say("the power is lost between two effects");
        life.world.after(ms, reboot(life, at, life.world.random.chance(0.5)));
      });
      return () => {
        life.world.machines[machine.side].strike = null;
      };
    },
  },
  "nft-silent": {
    ...passive,
    begin: (life, { ills }) => {
      ills.nft = "silent";
      return () => {
        ills.nft = "well";
        ills.nftIllUntil = life.world.now + 600;
      };
    },
  },
  "nft-late": {
    ...passive,
    begin: (life, { ills }) => {
      ills.nft = "late";
      return () => {
        ills.nft = "well";
        ills.nftIllUntil = life.world.now + 600;
      };
    },
  },
  "gate-flushed": {
    ...always,
    begin: (_life, machine) => {
      machine.kernel.gate = false;
      return nothing;
    },
  },
  "ip-slow": {
    ...always,
    begin: (_life, { ills }) => {
      ills.slowIp = true;
      return () => {
        ills.slowIp = false;
      };
    },
  },
  "addresses-removed": {
    ...always,
    begin: (life, machine) => {
      machine.kernel.lower();
      // The kernel tells at once who had them.
      machine.after(life.world.random.between(1, 25), 0, false, () =>
        machine.whenAwake(({ effects, heart }) => {
          if (heart.condition === "active") effects.push([{ kind: "raise" }]);
        }),
      );
      return nothing;
    },
  },
  "disk-hangs": {
    ...always,
    begin: (life, { ills }) => {
      ills.diskHangsUntil = life.world.now + 60_000;
      return () => {
        ills.diskHangsUntil = 0;
      };
    },
  },
  "forwarder-unready": {
    ...passive,
    begin: (life, machine) => life.unready([machine]),
  },
  "both-unready": {
    ...always,
    begin: (life) => life.unready(life.world.machines),
  },
  "pings-lost": {
    ...passive,
    begin: (life, machine) => life.losePings([machine]),
  },
  "pings-lost-on-both": {
    ...always,
    begin: (life) => life.losePings(life.world.machines),
  },
  "order-here": {
    ...never,
    begin: (life, machine) => {
      life.order(machine, machine.side);
      return nothing;
    },
  },
  "order-there": {
    ...never,
    begin: (life, machine) => {
      life.order(machine, machine.side === 0 ? 1 : 0);
      return nothing;
    },
  },
  "ordered-stop": {
    ...never,
    begin: (life, machine) => {
      machine.say("is told to stop");
      machine.whenAwake((daemon) => daemon.stop());
      const { side } = machine;
      return () => {
        const at = life.world.machines[side];
        at.killDaemon();
        at.startDaemon();
      };
    },
  },
  "ordered-restart": {
    ...always,
    begin: (life, machine) => {
      machine.say("is told to restart");
      machine.whenAwake((daemon) => daemon.restart());
      const { side } = machine;
      life.onExit(side, () => {
        life.world.after(life.world.random.between(100, 700), () =>
          life.world.machines[side].startDaemon(),
        );
      });
      return () => life.world.machines[side].startDaemon();
    },
  },
} as const satisfies Readonly<Record<string, FaultKind>>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];
