// address-guard.ts — sees to it that what should be on the links is there, and nothing that should not.
import type { Clock, EventLog, Millis, ServicesConfig } from "@lbpair/common";
import type { LeaseLength } from "./adapters/lease-line.js";
import type { LinkEvent } from "./adapters/link-event.js";
import type { QueuedEffect } from "./core/effects.js";
import type { PairDigest } from "./core/virtual-mac.js";
import type { Holder } from "./holder.js";
import type { LeaseKeeper } from "./lease-keeper.js";

/** Removals of one floating IP within a minute that make an alarm. */
export const REMOVALS_ALARM = 5;
const REMOVALS_WINDOW_MS = 60_000;
/** Upkeeps, one a second, between two looks at what is really there; changes are told at once. */
const LOOK_UPKEEPS = 5;
/** Upkeeps between two frames that keep a virtual MAC in the switches' tables; they forget after 15 s at the earliest. */
const REMIND_UPKEEPS = 10;
/** Upkeeps for which a device that is no longer wanted still receives: neighbours are learning. */
const STRAY_UPKEEPS = 3;

export interface GuardOptions {
  readonly clock: Clock;
  readonly events: EventLog;
  readonly lease: LeaseKeeper;
  readonly holder: Holder;
  readonly services: () => ServicesConfig;
  /** The pair's keyed hash where the setting asks for virtual MACs. */
  readonly virtualDigest?: () => PairDigest | undefined;
  /** Whether this node holds the floating IPs, and whether it also answers for them. */
  readonly holds: () => boolean;
  readonly answers: () => boolean;
  readonly leaseLength: () => LeaseLength;
  /** Resolves when they are done, whatever came of them. */
  readonly perform: (effects: readonly QueuedEffect[]) => Promise<void>;
  /** Sends one frame from each virtual MAC. */
  readonly remind?: () => void;
  /** Called when links or gate may have changed this node's health. */
  readonly onHealth: () => void;
  readonly onError: (error: unknown) => void;
}

const milliseconds = (length: LeaseLength): number | null =>
  length === "unlimited" ? null : length;

export class AddressGuard {
  private readonly options: GuardOptions;
  private removals: readonly { readonly at: Millis; readonly address: string }[] = [];
  private looking: Promise<boolean> | undefined;
  private upkeeps = 0;
  private busy = false;
  private stale = false;
  /** Putting back goes on, and whether something was found missing since it began. */
  private puttingBack = false;
  private missingAgain = false;
  private strayFor = 0;
  private toldFailures = "";
  gateOpen = true;

  constructor(options: GuardOptions) {
    this.options = options;
  }

  /** Each second: addresses live on; now and then, what is really there. */
  async upkeep(): Promise<void> {
    // Where `ip` is slow, upkeeps must not pile up before an order to lower.
    if (this.busy) return;
    this.busy = true;
    const { holder, onHealth } = this.options;
    const faults = holder.faults();
    try {
      await this.upkeepNow();
    } finally {
      this.busy = false;
      if (holder.faults() !== faults) onHealth();
    }
  }

  private async upkeepNow(): Promise<void> {
    const { holder, holds, leaseLength } = this.options;
    if (!this.gateOpen) await this.openGate();
    const length = milliseconds(leaseLength());
    if (holds() && length !== null) await holder.prolong(length);
    this.upkeeps += 1;
    if (this.options.answers() && this.upkeeps % REMIND_UPKEEPS === 0) this.options.remind?.();
    await this.clearStrays();
    if (this.upkeeps % LOOK_UPKEEPS !== 0) return;
    await this.look();
    await holder.lowerRetired();
    // Without the gate a passive node's virtual MAC would speak: somebody may have flushed it.
    if (!holds() && holder.virtual.wanted.length > 0) await this.openGate();
    const missing = await holder.check();
    if (holds() && missing.length > 0) this.putBack();
    const stray = holder.wanted.some(({ address }) => holder.holds(address));
    if (!holds() && stray) await holder.lower();
  }

  private async clearStrays(): Promise<void> {
    const { virtual } = this.options.holder;
    this.strayFor = virtual.strays.length === 0 ? 0 : this.strayFor + 1;
    if (this.strayFor >= STRAY_UPKEEPS || !this.options.holds()) await virtual.clear();
  }

  /** Looks at the links again, once at a time; what has another place moves there. True = something did. */
  look(): Promise<boolean> {
    this.looking ??= this.lookUntilFresh().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async lookUntilFresh(): Promise<boolean> {
    let moved = false;
    do {
      this.stale = false;
      moved = (await this.lookNow()) || moved;
    } while (this.stale);
    return moved;
  }

  /** Follows a changed configuration: what is no longer a floating IP goes, what is new comes. */
  async reconfigure(): Promise<boolean> {
    const { holder } = this.options;
    await this.looking;
    const moved = await this.look();
    await holder.lowerRetired();
    return moved;
  }

  private async lookNow(): Promise<boolean> {
    const { holder, services, virtualDigest, holds } = this.options;
    const moved = await holder.look(services(), virtualDigest?.());
    if (moved || holder.virtual.incomplete) {
      await this.openGate();
      if (moved || holder.virtual.failed.size === 0) this.putBack();
    }
    if (!holds()) await holder.virtual.clear();
    this.options.onHealth();
    return moved;
  }

  /** Sets up the kernel's gate for the addresses and links of now; a failure makes the node unready. */
  async openGate(): Promise<void> {
    try {
      await this.openForVirtual();
      await this.open();
      this.gateOpen = true;
    } catch (error) {
      if (this.gateOpen) {
        const text = `the kernel's gate could not be set up: ${String(error)}`;
        this.options.events.record("alarm", "gate-failed", text, {});
      }
      this.gateOpen = false;
    }
  }

  private open(): Promise<void> {
    const { lease, holder } = this.options;
    return lease.open(holder.gateLinks(), holder.wanted, holder.virtual.possible);
  }

  /** The gate before the devices: a virtual MAC is silent from its first moment on. */
  private async openForVirtual(): Promise<void> {
    const { holder, events } = this.options;
    const { virtual } = holder;
    if (virtual.incomplete) {
      try {
        await this.open();
        await virtual.make();
      } catch (error) {
        virtual.abandon(error instanceof Error ? error.message : String(error));
      }
    }
    const failures = [...virtual.failed].map(([link, why]) => `${link} (${why})`).join(", ");
    if (failures !== "" && failures !== this.toldFailures) {
      const text = `no virtual MAC on ${failures}; its floating IPs have the link's own, which neighbours have to learn`;
      events.record("alarm", "virtual-mac-failed", text, {});
    }
    this.toldFailures = failures;
  }

  onLink(event: LinkEvent): void {
    const removed = event.kind === "address-removed";
    if (
      (removed || event.kind === "address-added") &&
      this.options.holder.isFloating(event.address)
    ) {
      if (removed) this.removed(event.address, event.link);
    } else this.lookAgain();
  }

  /** Something about the links changed, or was missed. */
  lookAgain(): void {
    // A look under way may have read the links before this change: it is to look once more.
    this.stale = this.looking !== undefined;
    this.look().catch(this.options.onError);
  }

  private removed(address: string, link: string): void {
    const { holder, holds, clock, events } = this.options;
    const placed = holder.placed.some(
      (each) => each.address === address && holder.deviceOf(each.link) === link,
    );
    if (!holds() || !holder.holds(address) || !placed) return;
    holder.forget(address);
    const now = clock.now();
    const recent = this.removals.filter((each) => now - each.at < REMOVALS_WINDOW_MS);
    this.removals = [...recent, { at: now, address }];
    const times = this.removals.filter((each) => each.address === address).length;
    const often = times >= REMOVALS_ALARM;
    const repeated = often ? ` ${times} times within a minute` : "";
    const text = `${address} was removed from ${link}${repeated} by something else; it is put back`;
    events.record(often ? "alarm" : "warn", "address-removed", text, { address, link, times });
    this.putBack();
  }

  /** All at once: a thousand that are removed one after the other must not be raised a thousand times. */
  private putBack(): void {
    const { holds, answers, perform, onError } = this.options;
    this.missingAgain = this.puttingBack;
    if (this.puttingBack || !holds()) return;
    this.puttingBack = true;
    // A virtual MAC that is new has no voice before the lease has been refreshed.
    const effects: readonly QueuedEffect[] = answers()
      ? [{ kind: "refresh-lease" }, { kind: "raise" }, { kind: "announce" }]
      : [{ kind: "raise" }];
    perform(effects)
      .finally(() => {
        this.puttingBack = false;
        if (this.missingAgain) this.putBack();
      })
      .catch(onError);
  }
}
