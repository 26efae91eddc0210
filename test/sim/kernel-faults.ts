// kernel-faults.ts — what goes wrong around a daemon: nft, ip, the gate, its disk, its forwarder, its ping nodes.
import { always, type Faults, nothing, passive } from "./fault-kind.js";
import { SLOW_IP_KEEPALIVES } from "./machine.js";

export const KERNEL_FAULTS = {
  "nft-silent": {
    ...passive,
    begin: (life, { ills }) => {
      ills.nft = "silent";
      ills.nftTells = life.world.random.chance(0.5) ? 0.5 : 0;
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
    begin: (life, { ills }) => {
      ills.slowIp = true;
      return () => {
        ills.slowIp = false;
        ills.slowIpUntil = life.world.now + SLOW_IP_KEEPALIVES * life.world.timing.keepalive;
        life.lingersUntil = ills.slowIpUntil;
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
} as const satisfies Faults;
