// why-verb.ts — `lbpair why [N]`: why the role moved, from both nodes' records, on one screen.
import { TRANSITIONS_ASKED_MAX } from "@lbpair/common";
import { InvalidArgumentError } from "commander";
import { type Context, EXIT, type ExitCode, VerbError } from "../context.js";
import { type GatheredTransitions, gatherTransitions } from "../gather-transitions.js";
import { line, span } from "../render/text.js";
import type { PairTransition } from "../view/transition-pairs.js";
import { tellStory } from "../view/transition-story.js";
import { whyLines, whyListLines } from "../view/why-lines.js";
import type { Register } from "./register.js";

const LIST_DEFAULT = 20;

/** One switch as programs read it. */
function pairJson(pair: PairTransition, number: number): unknown {
  const story = tellStory(pair);
  const { active, from, rule, headline, because, phases, neighbourMs, packetMs } = story;
  const { main, other, clock } = pair;
  const what = { number, at: main.at, active, from, rule, headline, because, epoch: main.epoch };
  return { ...what, phases, neighbourMs, packetMs, clock, main, other };
}

function parseNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > TRANSITIONS_ASKED_MAX) {
    throw new InvalidArgumentError(
      `want a whole number, 1-${TRANSITIONS_ASKED_MAX}; 1 is the latest.`,
    );
  }
  return number;
}

function showOne(context: Context, gathered: GatheredTransitions, number: number): void {
  const { pairs, missing } = gathered;
  const pair = pairs[number - 1];
  if (pair === undefined) {
    const few = pairs.length === 1 ? "1 switch is" : `${pairs.length} switches are`;
    throw new VerbError(`${few} remembered; lbpair why --list shows them`);
  }
  const { glyphs } = context;
  const { columns } = context.world.stdout;
  context.print(whyLines(pair, { glyphs, columns, number, of: pairs.length, missing }));
}

async function why(
  context: Context,
  number: number,
  options: { readonly list?: boolean; readonly json?: boolean; readonly limit: number },
): Promise<ExitCode> {
  const gathered = await gatherTransitions(context.daemons, TRANSITIONS_ASKED_MAX);
  const { pairs, missing } = gathered;
  if (pairs.length === 0) {
    if (missing.length > 0) throw new VerbError(missing.join("; "));
    if (options.json === true) context.printJson(options.list === true ? [] : null);
    else context.print([line(span("no switch is remembered yet", "dim"))]);
    return EXIT.done;
  }
  if (options.list === true) {
    const wanted = pairs.slice(0, options.limit);
    if (options.json === true) context.printJson(wanted.map((pair, i) => pairJson(pair, i + 1)));
    else {
      const { glyphs } = context;
      context.print([
        ...whyListLines(wanted, { glyphs, columns: context.world.stdout.columns }),
        ...missing.map((text) => line(span(`${glyphs.off} ${text}`, "dim"))),
      ]);
    }
    return EXIT.done;
  }
  if (options.json !== true) showOne(context, gathered, number);
  else {
    const pair = pairs[number - 1];
    if (pair === undefined) throw new VerbError(`want at most ${pairs.length}, got ${number}`);
    context.printJson({ ...(pairJson(pair, number) as object), missing });
  }
  return EXIT.done;
}

export const registerWhy: Register = (program, act) => {
  program
    .command("why")
    .description("why the role moved and how long it took: the latest switch, or the nth latest")
    .argument("[n]", "1 is the latest", parseNumber, 1)
    .option("--list", "one line for each switch that is remembered")
    .option("--limit <n>", "with --list: only the last n", parseNumber, LIST_DEFAULT)
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
Both nodes' records put together: the last word of the other node on each path, what was suspected
and asked, which rule of the election decided, every step with its duration, the first neighbour
that learnt it and the first packet that came, and what the other node did. Times are milliseconds
from the decision. docs/failover.md explains the rules by name.

Examples:
  lbpair why
  lbpair why 3
  lbpair why --list
  lbpair why --json | jq '{rule, phases}'`,
    )
    .action((number: number, options: { list?: boolean; json?: boolean; limit: number }) =>
      act((context) => why(context, number, options), options),
    );
};
