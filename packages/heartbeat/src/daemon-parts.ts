// daemon-parts.ts — everything the daemon is given: its files, its clock, its adapters.
import type { AppliancePaths, Clock, EventLog, IcmpPing, Run } from "@lbpair/common";
import type { HeartbeatMemory, RememberedMemory } from "./adapters/epoch-store.js";
import type { TransitionFile } from "./adapters/transition-file.js";
import type { AdvertiserOptions } from "./advertiser.js";
import type { Holder } from "./holder.js";
import type { LateLog } from "./late-log.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import type { NetworkWatchOptions } from "./network-watch.js";
import type { Machine } from "./perform.js";
import type { Settings } from "./settings.js";

export interface DaemonParts {
  readonly paths: AppliancePaths;
  readonly clock: Clock;
  readonly log: Pick<LateLog, "error">;
  readonly run: Run;
  readonly events: EventLog;
  readonly settings: Settings;
  readonly lease: LeaseKeeper;
  readonly holder: Holder;
  readonly announcer: Machine["announcer"];
  readonly network: Pick<NetworkWatchOptions, "routers" | "mayAnnounce" | "forwarded">;
  readonly ping: IcmpPing;
  readonly openSocket: AdvertiserOptions["openSocket"];
  readonly bootId: string;
  readonly transitions: TransitionFile;
  readonly memory: RememberedMemory | null;
  /** Writes behind the caller's back; the latest wins. */
  readonly remember: (memory: HeartbeatMemory) => void;
  /** Resolves when what was remembered last is on disk, or could not be written. */
  readonly remembered: () => Promise<void>;
  /** Milliseconds the machine has been suspended since it booted; undefined where it cannot tell. */
  readonly suspendedMs: () => number | undefined;
}
