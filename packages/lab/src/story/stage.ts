// stage.ts — what every chapter of the story has in its hands.
import type { Figures } from "../probes/measure.js";
import { type MeasureOptions, measure } from "../probes/measure.js";
import type { ApplianceName } from "../world/plan.js";
import type { World } from "../world/world.js";
import { eventsSince } from "./events.js";
import { type Measured, sayFigures } from "./figures-table.js";
import type { Screen } from "./screen.js";

export interface Stage {
  readonly world: World;
  readonly screen: Screen;
  /** Everything measured so far, the floor first. */
  readonly measured: Measured[];
  /** What was promised and did not come true. */
  readonly broken: string[];
  floor: Figures | undefined;
  /** Wall time up to which the daemons' events have been told. */
  toldUntil: Date;
}

/** Prints a promise with its outcome; a broken one decides the story's exit code. */
export function promise(stage: Stage, kept: boolean, text: string): void {
  stage.screen.verdict(kept, text);
  if (!kept) stage.broken.push(text);
}

/** Our environment, and the wish for colour: what the command writes to is no terminal. */
const COLOURED: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({ ...process.env, FORCE_COLOR: "1" }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  ),
);

/** Tells what the heartbeats have reported since the last time. */
export async function tellEvents(stage: Stage): Promise<void> {
  const asked = new Date();
  for (const { at, node, text } of await eventsSince(stage.world, stage.toldUntil)) {
    stage.screen.report(new Date(at), `${node}: ${text}`);
  }
  stage.toldUntil = asked;
}

/** Measures an act, prints what clients saw, and keeps the figures for the table at the end. */
export async function measured<T>(
  stage: Stage,
  what: string,
  act: () => Promise<T>,
  options?: Partial<MeasureOptions>,
): Promise<{ readonly figures: Figures; readonly value: T }> {
  await tellEvents(stage);
  const result = await measure(stage.world, act, options);
  await tellEvents(stage);
  stage.measured.push({ what, figures: result.figures });
  stage.screen.step(sayFigures(result.figures, stage.floor));
  return result;
}

/** The promise every failover makes: nothing that was open is lost. */
export function promiseAllLive(stage: Stage, { open }: Figures): void {
  const reasons = Object.entries(open.reasons)
    .map(([reason, count]) => `${count} × ${reason}`)
    .join("; ");
  const text = `${open.alive} of ${open.total} open connections live`;
  promise(stage, open.alive === open.total, reasons === "" ? text : `${text}: ${reasons}`);
}

/** Runs the product's own command line on an appliance, as an admin would, and shows it. */
export async function lbpair(
  stage: Stage,
  on: ApplianceName,
  words: readonly string[],
): Promise<boolean> {
  const { screen, world } = stage;
  screen.line(`    ${screen.paint("bold", `${on}# lbpair ${words.join(" ")}`)}`);
  const result = await world.cli(on, words, screen.colour ? { env: COLOURED } : {});
  screen.quote(`${result.stdout}${result.stderr}`);
  return result.code === 0;
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));
