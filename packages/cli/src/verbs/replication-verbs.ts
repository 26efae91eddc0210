// replication-verbs.ts — `lbpair plan`, `apply`, `sync`: what the replicator does on order.
import { describeDuration, type Problem } from "@lbpair/common";
import type { Context } from "../context.js";
import { EXIT, type ExitCode } from "../context.js";
import { type Line, line, span } from "../render/text.js";
import { problemLines } from "../view/problem-lines.js";
import { changeLines, isRecord, listOf, peerLine, revisionText, textOf } from "./answer.js";
import type { Register } from "./register.js";

/** An apply reaches over SSH to the peer and waits for its forwarder. */
const ORDER_TIMEOUT_MS = 60_000;

function planLines(answer: unknown, { glyphs }: Context): Line[] {
  const changes = listOf(answer, "changes");
  const peer = isRecord(answer) ? answer.peer : undefined;
  const peerChanges = isRecord(peer) && Array.isArray(peer.changes) ? peer.changes : null;
  const here =
    changes.length === 0
      ? [line(span("nothing to do: the candidate is in force here", "green"))]
      : [
          line(
            span(`${changes.length} change${changes.length === 1 ? "" : "s"} here`, "bold"),
            ` to ${revisionText(isRecord(answer) ? answer.revision : undefined)}`,
          ),
        ];
  const same = peerChanges !== null && JSON.stringify(peerChanges) === JSON.stringify(changes);
  const there =
    peerChanges === null
      ? [peerLine(peer, glyphs)]
      : peerChanges.length === 0
        ? [line("nothing to do on the peer")]
        : same
          ? [line("the same changes on the peer")]
          : [
              line(
                span(
                  `${peerChanges.length} change${peerChanges.length === 1 ? "" : "s"} on the peer`,
                  "bold",
                ),
              ),
              ...changeLines(peerChanges, glyphs),
            ];
  const problems = listOf(answer, "problems") as readonly Problem[];
  return [...here, ...changeLines(changes, glyphs), ...there, ...problemLines(problems, glyphs)];
}

/** Elements in nftables' own words, below a line for each set. */
function elementLines(kernel: unknown): Line[] {
  const elements = isRecord(kernel) ? Number(kernel.elements) : 0;
  if (elements === 0) return [line("nothing to do in this node's kernel")];
  const lines = listOf(kernel, "lines").map(String);
  const sets = listOf(kernel, "sets").filter(isRecord);
  const listed = lines.length;
  const all = sets.reduce((sum, each) => sum + Number(each.removed) + Number(each.added), 0);
  const counts = sets.map((each) => `${each.set} -${each.removed} +${each.added}`).join(", ");
  return [
    line(span(`${elements} elements of this node's kernel`, "bold"), `: ${counts}`),
    ...lines.map((text) => line(span(`  ${text}`, text.startsWith("-") ? "red" : "green"))),
    ...(all > listed ? [line(span(`  and ${all - listed} more`, "dim"))] : []),
  ];
}

export const registerPlan: Register = (program, act) => {
  program
    .command("plan")
    .description("what apply would change, here and on the peer; changes nothing")
    .option("--elements", "the kernel's elements too, as nftables writes them")
    .option("--json", "for programs")
    .addHelpText(
      "after",
      "\nExamples:\n  lbpair plan\n  lbpair plan --elements\n  lbpair plan --json | jq '.changes | length'",
    )
    .action((options: { json?: boolean; elements?: boolean }) =>
      act(async (context) => {
        const { daemons } = context;
        const answer = await daemons.ask("replicator", "POST /plan", {}, ORDER_TIMEOUT_MS);
        const kernel =
          options.elements === true
            ? await daemons.ask("forwarder", "POST /plan", {}, ORDER_TIMEOUT_MS)
            : undefined;
        if (options.json === true) {
          context.printJson(
            isRecord(answer) && kernel !== undefined ? { ...answer, kernel } : answer,
          );
        } else {
          context.print(planLines(answer, context));
          if (kernel !== undefined) context.print(elementLines(kernel));
        }
        return EXIT.done;
      }, options),
    );
};

function stepLines(answer: unknown): Line[] {
  return listOf(answer, "steps").map((step) => {
    if (typeof step === "string") return line(span(`  ${step}`, "dim"));
    const where = textOf(step, "where") === "peer" ? "peer: " : "";
    const took = isRecord(step) && typeof step.tookMs === "number" ? step.tookMs : null;
    const time = took === null ? "" : ` (${describeDuration(took)})`;
    return line(span(`  ${where}${textOf(step, "what") ?? JSON.stringify(step)}${time}`, "dim"));
  });
}

function applyLines(answer: unknown, { glyphs }: Context): Line[] {
  const revision = revisionText(isRecord(answer) ? answer.revision : undefined);
  const changed = !isRecord(answer) || answer.changed !== false;
  return [
    line(
      span(`${glyphs.on} `, "green"),
      changed ? `${revision} is in force` : `nothing to do: ${revision} was in force already`,
    ),
    ...stepLines(answer),
    peerLine(isRecord(answer) ? answer.peer : undefined, glyphs),
  ];
}

export const registerApply: Register = (program, act) => {
  program
    .command("apply")
    .description("put the saved services.yaml and health-checks/ in force on both nodes")
    .option("--reason <text>", "kept with the revision and shown in the events")
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
The candidate is checked first; with a problem nothing changes on either node.
Where the peer is away the change waits for it, and status shows it as pending.

Examples:
  lbpair apply
  lbpair apply --reason "port 12950 for the new viewer"
  lbpair check && lbpair plan && lbpair apply`,
    )
    .action((options: { json?: boolean; reason?: string }) =>
      act(async (context) => {
        const body = options.reason === undefined ? {} : { reason: options.reason };
        const answer = await context.daemons.ask(
          "replicator",
          "POST /apply",
          body,
          ORDER_TIMEOUT_MS,
        );
        if (options.json === true) context.printJson(answer);
        else context.print(applyLines(answer, context));
        return EXIT.done;
      }, options),
    );
};

function syncLines(answer: unknown, dryRun: boolean, { glyphs }: Context): Line[] {
  const differences = listOf(answer, "differences");
  const repaired = isRecord(answer) && answer.repaired === true;
  const count = `${differences.length} difference${differences.length === 1 ? "" : "s"}`;
  const head =
    differences.length === 0
      ? line(
          span(`${glyphs.on} `, "green"),
          "no differences: both nodes have the same configuration",
        )
      : dryRun
        ? line(span(`${glyphs.some} `, "yellow"), `${count}; nothing was changed`)
        : repaired
          ? line(span(`${glyphs.on} `, "green"), `${count}, repaired`)
          : line(span(`${glyphs.bad} `, "red"), `${count}, not repaired`);
  return [
    head,
    ...changeLines(differences, glyphs),
    peerLine(isRecord(answer) ? answer.peer : undefined, glyphs),
  ];
}

const syncExitCode = (answer: unknown, dryRun: boolean): ExitCode => {
  const state = textOf(isRecord(answer) ? answer.peer : undefined, "state");
  if (state === "unreachable" || state === "refused") return EXIT.failed;
  const differs = listOf(answer, "differences").length > 0;
  return differs && !dryRun && isRecord(answer) && answer.repaired === false
    ? EXIT.failed
    : EXIT.done;
};

export const registerSync: Register = (program, act) => {
  program
    .command("sync")
    .description("compare both nodes' service configuration now, and repair the difference")
    .option("--dry-run", "show the differences, repair nothing")
    .option("--json", "for programs")
    .addHelpText("after", "\nExamples:\n  lbpair sync --dry-run\n  lbpair sync")
    .action((options: { json?: boolean; dryRun?: boolean }) =>
      act(async (context) => {
        const dryRun = options.dryRun === true;
        const answer = await context.daemons.ask(
          "replicator",
          "POST /sync",
          { dryRun },
          ORDER_TIMEOUT_MS,
        );
        if (options.json === true) context.printJson(answer);
        else context.print(syncLines(answer, dryRun, context));
        return syncExitCode(answer, dryRun);
      }, options),
    );
};
