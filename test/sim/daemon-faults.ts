// daemon-faults.ts — what happens to a daemon: it is frozen, starved, killed, restarted, or ordered to do something.
import { always, type Faults, fatal, never, nothing } from "./fault-kind.js";
import type { Life } from "./life.js";
import type { Machine } from "./machine.js";
import { reboot } from "./machine-faults.js";

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

export const DAEMON_FAULTS = {
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
} as const satisfies Faults;
