// product.ts — what the bench needs of anything that keeps two appliances one.
import type { ApplianceName, World } from "@lbpair/lab";

export type ProductKind = "lbpair" | "keepalived" | "heartbeat";

export interface Product {
  /** As in `--products`. */
  readonly name: string;
  readonly kind: ProductKind;
  /** Its setting, for people. */
  readonly title: string;
  /** Silence that is death, in milliseconds, as configured (keepalived: three adverts and the skew). */
  readonly deadtimeMs: number;
  /** Why it cannot be run here; undefined = it can. */
  missing(): Promise<string | undefined>;
  /** A running pair that has settled, in a world of its own. */
  start(floatingIps: number): Promise<RunningPair>;
}

export interface RunningPair {
  readonly product: Product;
  readonly world: World;
  /** Undoes every fault and waits until exactly one node is active and both are well; which it is. */
  settle(): Promise<ApplianceName>;
  /** The one active node now; waits a little where it is none or two. */
  activeNow(): Promise<ApplianceName>;
  /** After its cables were out: the node comes back as this product's node comes back. */
  revive(name: ApplianceName): Promise<void>;
  /** SIGSTOP to the daemon. */
  freeze(name: ApplianceName): void;
  thaw(name: ApplianceName): void;
  /** SIGKILL to the daemon, which stays dead. */
  kill(name: ApplianceName): Promise<void>;
  restart(name: ApplianceName): Promise<void>;
  /** The ordered switch to this node; resolves when the product says that it is done. */
  handOver(to: ApplianceName): Promise<void>;
  /** Processes of the daemon, children included. */
  pids(name: ApplianceName): number[];
  /** Makes the daemon work, as much as it can, until the signal: undefined = nothing makes it. */
  readonly exercise?: (name: ApplianceName, signal: AbortSignal) => Promise<void>;
  /** When the node decided to take over last, on the monotonic clock; undefined where it does not say. */
  decidedAtMs(name: ApplianceName): Promise<number | undefined>;
  /** What both nodes say happened lately. */
  evidence(): Promise<string>;
  stop(): Promise<void>;
}
