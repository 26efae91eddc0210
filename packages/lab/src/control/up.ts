// up.ts — makes the lab, tells its story, and stays for whoever wants to try things.
import { createControlServer } from "@lbpair/common";
import { createScreen, type Screen } from "../story/screen.js";
import { tellStory } from "../story.js";
import { labNotPossible } from "../world/not-possible.js";
import { createWorld, type World } from "../world/world.js";
import { labRoutes } from "./verbs.js";

export interface UpOptions {
  /** Ends after the story. */
  readonly once: boolean;
  /** Starts the pair and stays, without the story. */
  readonly quiet: boolean;
  readonly id: string | undefined;
}

const HINTS = [
  ["npx lbpair-lab exec lb1 lbpair status --watch", "the pair, live"],
  ["npx lbpair-lab exec lb2 lbpair make-active", "an ordered hand-over"],
  ["npx lbpair-lab cut active", "pull the active node's plug"],
  ["npx lbpair-lab kill active heartbeat", "kill -9 a daemon (add --leave-dead)"],
  ["npx lbpair-lab freeze active heartbeat", "and thaw it again with `thaw`"],
  ["npx lbpair-lab partition", "the nodes no longer hear each other"],
  ["npx lbpair-lab fail primary", "the primary cluster ends; `recover` starts it"],
  ["npx lbpair-lab heal", "every cable in again"],
  ["npx lbpair-lab exec client", "a shell on the client"],
  ["npx lbpair-lab down", "the end (or Ctrl-C here)"],
] as const;

function sayHints(screen: Screen, world: World): void {
  screen.heading(`The lab ${world.id} stays up. From another terminal:`);
  const width = Math.max(...HINTS.map(([command]) => command.length));
  for (const [command, what] of HINTS) {
    screen.line(`  ${screen.paint("bold", command.padEnd(width))}  ${screen.paint("dim", what)}`);
  }
  screen.line();
  screen.line(`  files and logs: ${world.folder}`);
}

/** Resolves when somebody says that the lab is to end. */
function whenTold(): { readonly told: Promise<void>; readonly tell: () => void } {
  let tell = () => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, tell);
  return { told, tell };
}

/** Answers the exit code: 0 where every promise held. */
export async function up(options: UpOptions): Promise<number> {
  const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  const screen = createScreen({ colour, write: (text) => process.stdout.write(text) });
  const impossible = await labNotPossible();
  if (impossible !== undefined) throw new Error(impossible);
  const { told, tell } = whenTold();
  const world = await createWorld(options.id === undefined ? {} : { id: options.id });
  try {
    screen.line(
      screen.paint("bold", `lbpair lab ${world.id}: two appliances, two clusters, five clients`) +
        screen.paint("dim", "  in network namespaces of their own; nothing else is touched"),
    );
    const control = await createControlServer({
      path: world.controlSocket,
      routes: labRoutes(world, tell),
    });
    try {
      return await perform(world, screen, options, told);
    } finally {
      await control.close();
    }
  } finally {
    await world.destroy();
  }
}

async function perform(
  world: World,
  screen: Screen,
  options: UpOptions,
  told: Promise<void>,
): Promise<number> {
  let broken = 0;
  if (options.quiet) {
    await Promise.all([world.appliances.lb1.powerOn(), world.appliances.lb2.powerOn()]);
  } else {
    const ended = told.then(() => undefined);
    const story = await Promise.race([tellStory(world, screen), ended]);
    if (story === undefined) return 1;
    broken = story.broken.length;
  }
  if (!options.once) {
    sayHints(screen, world);
    await told;
  }
  return broken === 0 ? 0 : 1;
}
