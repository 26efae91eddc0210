// fault-kind.ts — what a kind of fault says of itself: how it begins and ends, and what it must do or must not.
import type { Life } from "./life.js";
import type { Machine } from "./machine.js";

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

export type Faults = Readonly<Record<string, FaultKind>>;

export const nothing = () => undefined;
export const passive = { harmless: "passive", fatal: false } as const;
export const always = { harmless: "always", fatal: false } as const;
export const never = { harmless: "never", fatal: false } as const;
export const fatal = { harmless: "passive", fatal: true } as const;
