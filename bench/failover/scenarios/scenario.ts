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

/** Linux-HA's rounds last half a minute each, for its own sake. */
export const roundsOf = (product: Product, rounds: number): number =>
  product.kind === "heartbeat" ? Math.min(2, rounds) : rounds;
