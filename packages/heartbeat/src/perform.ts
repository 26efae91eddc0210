// perform.ts — one exhaustive switch from the election's effects to the machine.
import type { EventLog } from "@lbpair/common";
import type { Announcer } from "./adapters/announce.js";
import type { QueuedEffect } from "./core/effects.js";
import type { ElectionState } from "./core/election-state.js";
import type { HeldLength } from "./core/ports.js";
import type { Holder } from "./holder.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import type { NetworkWatch } from "./network-watch.js";

export interface Machine {
  readonly state: ElectionState;
  readonly lease: LeaseKeeper;
  readonly holder: Holder;
  readonly announcer: Announcer;
  readonly network: Pick<NetworkWatch, "announced" | "stop">;
  readonly events: EventLog;
  /** Length of the lease that is right now. */
  leaseLength(): HeldLength;
  /** Whether an effect that has waited is still to be performed. */
  wants(effect: QueuedEffect): boolean;
  /** A round of adverts, now. */
  sayNow(): void;
  remember(): void;
  tellCondition(): void;
  reply(done: boolean, message: string): void;
  exit(): void;
}

const milliseconds = (length: HeldLength): number | null =>
  length === "unlimited" ? null : length;

/** Where each floating IP is announced: its link's index, and the virtual MAC or the link's own. */
export const announcements = (holder: Holder) =>
  holder.placed.flatMap(({ address, link }) => {
    const linkIndex = holder.indexOf(link);
    const mac = holder.virtual.of(link)?.mac ?? holder.macOf(link);
    return linkIndex === undefined || mac === undefined ? [] : [{ address, linkIndex, mac }];
  });

/** Tells the neighbours, and then finds out who has learnt it. */
function announce({ holder, announcer, network }: Machine): void {
  const targets = announcements(holder);
  announcer.announce(targets);
  network.announced(targets);
}

/** One floating IP of each virtual MAC: enough for switches to remember where it is. */
export const reminders = (holder: Holder) => {
  const virtual = announcements(holder).filter(({ mac }) =>
    holder.virtual.wanted.some((one) => one.mac === mac),
  );
  return virtual.filter(({ mac }, i) => virtual.findIndex((one) => one.mac === mac) === i);
};

export async function perform(effect: QueuedEffect, machine: Machine): Promise<void> {
  const { lease, holder, announcer } = machine;
  if (!machine.wants(effect)) return;
  switch (effect.kind) {
    case "grant-lease":
      return lease.grant(machine.leaseLength());
    case "refresh-lease":
      if (lease.held) await lease.refresh(machine.leaseLength());
      return;
    case "revoke-lease":
      return lease.revoke();
    case "raise":
      return holder.raise(milliseconds(machine.leaseLength()));
    case "lower":
      await holder.lower();
      return lease.shut();
    case "announce":
      return announce(machine);
    case "stop-announcing":
      machine.network.stop();
      return announcer.stop();
    case "send-adverts":
      return machine.sayNow();
    case "remember":
      return machine.remember();
    case "tell-condition":
      return machine.tellCondition();
    case "record":
      return machine.events.record(effect.level, effect.event, effect.text, effect.facts);
    case "reply":
      return machine.reply(effect.done, effect.message);
    case "exit":
      return machine.exit();
    default:
      return effect satisfies never;
  }
}
