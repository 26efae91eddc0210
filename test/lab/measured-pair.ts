// measured-pair.ts — a running pair for a test file that measures: each fault's figures beside those of no fault at all.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import {
  type Figures,
  type MeasureOptions,
  measure,
  measureFloor,
  type World,
  type WorldOptions,
} from "@lbpair/lab";
import { figuresTable, type Row, stallAllowedMs } from "./figures.js";
import { createReadyPair, recentEvents, skip } from "./ready-pair.js";

export interface MeasuredPair {
  readonly world: World;
  /** What the probes and this machine amount to by themselves. */
  readonly floor: Figures;
  /** What clients saw while `act` did its work; it becomes a row of the table that ends the file. */
  figuresOf(
    what: string,
    act: () => Promise<unknown>,
    options?: Partial<MeasureOptions>,
  ): Promise<Figures>;
  /** No connection lost, none refused, none stalled for longer than the outage explains. */
  assertNothingLost(figures: Figures): void;
}

/** Makes the pair before the file's tests and clears it away after them. */
export function measuredPair(options: WorldOptions = {}): MeasuredPair {
  let made: { readonly world: World; readonly floor: Figures } | undefined;
  const rows: Row[] = [];
  const whole = () => made ?? assert.fail("the pair is there while tests run");
  before(async () => {
    if (skip !== false) return;
    const world = await createReadyPair(options);
    const floor = await measureFloor(world, { afterMs: 1000 }).catch(async (error) => {
      await world.destroy();
      throw error;
    });
    made = { world, floor };
    rows.push({ what: "nothing (the floor)", figures: floor });
  });
  after(async () => {
    if (rows.length > 0) console.log(figuresTable(rows));
    await made?.world.destroy();
  });
  return {
    get world() {
      return whole().world;
    },
    get floor() {
      return whole().floor;
    },
    async figuresOf(what, act, measureOptions) {
      const { figures } = await measure(whole().world, act, measureOptions);
      rows.push({ what, figures });
      if (figures.open.alive < figures.open.total) console.log(await recentEvents(whole().world));
      return figures;
    },
    assertNothingLost(figures) {
      const { open, newConnections } = figures;
      assert.deepEqual(open.reasons, {}, `${open.alive} of ${open.total} live`);
      assert.equal(newConnections.failed, 0);
      assert.ok(open.longestStallMs <= stallAllowedMs(figures, whole().floor), "stall");
    },
  };
}
