// scenario.ts — one kind of harm: which products suffer it, how often, and what is written down.
import type { Book } from "../measures.js";
import type { Product, RunningPair } from "../products/product.js";

export interface Round {
  readonly pair: RunningPair;
  readonly book: Book;
  /** From 0. */
  readonly index: number;
  /** One line for whoever watches. */
  say(line: string): void;
}

export interface Scenario {
  /** As in `--only`. */
  readonly name: string;
  readonly title: string;
  applies(product: Product): boolean;
  /** Rounds of the full run. */
  rounds(product: Product): number;
  run(round: Round): Promise<void>;
}

/** With a virtual MAC both nodes look alike to a third host: only what clients see can be told. */
export const hasVirtualMac = (product: Product): boolean => product.name.endsWith("vmac");

/** The one that most targets are about, and the peer that it is compared with. */
const JUDGED = "lbpair-300";
const FOCUS = [JUDGED, "keepalived-100"];
export const isFocus = ({ name }: Product): boolean => FOCUS.includes(name);

/**
 * All rounds where the targets look, fewer where one only wants to see the others beside them.
 * Linux-HA's last half a minute each: it heals by restarting.
 */
export const roundsOf = (product: Product, rounds: number): number =>
  product.kind === "heartbeat"
    ? Math.ceil(rounds / 4)
    : product.name === JUDGED
      ? rounds
      : Math.ceil(rounds / 2);
