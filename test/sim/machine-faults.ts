// machine-faults.ts — what goes wrong with a whole machine: it stands still, loses its power, or is one of the past.
import { always, type Faults, fatal, never, nothing } from "./fault-kind.js";
import type { Life } from "./life.js";
import type { Machine } from "./machine.js";

export const reboot = (life: Life, machine: Machine, lastWriteLost: boolean) => {
  machine.powerOff(lastWriteLost);
  const { side } = machine;
  return () => {
    life.world.machines[side].powerOn();
    life.world.machines[side].startDaemon();
  };
};

export const MACHINE_FAULTS = {
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
} as const satisfies Faults;
