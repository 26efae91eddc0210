// story.ts — what the lab shows by itself, chapter by chapter, and whether every promise held.

import { heartbeatFrozen, makeActive, partitioned, plugPulled } from "./story/failover-chapters.js";
import { FIGURE_COLUMNS, figureRow } from "./story/figures-table.js";
import type { Screen } from "./story/screen.js";
import {
  floorMeasured,
  imagesFlow,
  operatorHalts,
  pairStarts,
  primaryClusterFails,
} from "./story/service-chapters.js";
import { type Stage, tellEvents } from "./story/stage.js";
import type { World } from "./world/world.js";

type Chapter = (stage: Stage) => Promise<void>;

const CHAPTERS: readonly Chapter[] = [
  pairStarts,
  imagesFlow,
  floorMeasured,
  primaryClusterFails,
  operatorHalts,
  makeActive,
  plugPulled,
  heartbeatFrozen,
  partitioned,
];

export interface StoryResult {
  /** Promises that were broken; empty = all held. */
  readonly broken: readonly string[];
  readonly stage: Stage;
}

function tellEnd(stage: Stage): void {
  const { screen, measured, broken } = stage;
  screen.heading("The figures");
  screen.table(
    FIGURE_COLUMNS,
    measured.map((row) => figureRow(row, screen)),
  );
  screen.line();
  if (broken.length === 0) screen.line(`  ${screen.paint("green", "Every promise held.")}`);
  for (const text of broken) screen.line(`  ${screen.paint("red", "broken:")} ${text}`);
}

/**
 * Tells the whole story. A chapter that cannot go on ends the story there: what follows would
 * measure a pair that is not well.
 */
export async function tellStory(world: World, screen: Screen): Promise<StoryResult> {
  const stage: Stage = {
    world,
    screen,
    measured: [],
    broken: [],
    floor: undefined,
    toldUntil: new Date(0),
  };
  for (const chapter of CHAPTERS) {
    try {
      await chapter(stage);
      await tellEvents(stage);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      screen.verdict(false, reason);
      stage.broken.push(reason);
      break;
    }
  }
  tellEnd(stage);
  return { broken: stage.broken, stage };
}
