// make-active-verb.ts — `lbpair make-active`: the ordered hand-over.
import { type Designation, describeDuration, type HeartbeatStatus } from "@lbpair/common";
import { EXIT, VerbError } from "../context.js";
import { readStatus } from "../gather-pair.js";
import { line, span } from "../render/text.js";
import { isRecord, textOf } from "./answer.js";
import { choiceArgument } from "./choice.js";
import type { Register } from "./register.js";

/** Longer than any hand-over with its roll back may take. */
const HAND_OVER_TIMEOUT_MS = 65_000;

export const registerMakeActive: Register = (program, act) => {
  program
    .command("make-active")
    .description("hand the floating IPs over in order; no connection is lost")
    .addArgument(
      choiceArgument("[designation]", "which box becomes active; this node if left out", [
        "primary",
        "secondary",
      ]),
    )
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
Works from either node. Refused where the other node could not carry the traffic.

Examples:
  lbpair make-active              this node becomes active
  lbpair make-active primary
  lbpair make-active secondary --json`,
    )
    .action((asked: Designation | undefined, options: { json?: boolean }) =>
      act(async (context) => {
        const { daemons } = context;
        let designation = asked;
        if (designation === undefined) {
          const heard = readStatus<HeartbeatStatus>(
            "heartbeat",
            await daemons.ask("heartbeat", "GET /status"),
          );
          if (!heard.ok) throw new VerbError(heard.error);
          designation = heard.status.designation;
        }
        const answer = await daemons.ask(
          "heartbeat",
          "POST /make-active",
          { designation },
          HAND_OVER_TIMEOUT_MS,
        );
        const done = isRecord(answer) && answer.done === true;
        if (options.json === true) context.printJson(answer);
        else {
          const took = isRecord(answer) && typeof answer.tookMs === "number" ? answer.tookMs : null;
          const message =
            textOf(answer, "message") ?? (done ? `the ${designation} is active` : "refused");
          context.print([
            line(
              span(done ? context.glyphs.on : context.glyphs.bad, done ? "green" : "red"),
              ` ${message}`,
              span(took === null ? "" : ` (${describeDuration(took)})`, "dim"),
            ),
          ]);
        }
        return done ? EXIT.done : EXIT.failed;
      }, options),
    );
};
