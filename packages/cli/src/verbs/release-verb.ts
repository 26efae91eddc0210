// release-verb.ts — `lbpair release`: lets services return from their fallback that were held there for an operator.
import type { ModeAnswer } from "@lbpair/common";
import { EXIT } from "../context.js";
import { line, span } from "../render/text.js";
import { orderedBy } from "../who.js";
import { peerLine } from "./answer.js";
import type { Register } from "./register.js";

const ORDER_TIMEOUT_MS = 30_000;

interface ReleaseOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

export const registerRelease: Register = (program, act) => {
  program
    .command("release")
    .description("let a service return from its fallback that is held there (recovery: manual)")
    .argument("<service...>", "one or more virtual services, e.g. VNA")
    .option("--reason <text>", "why; shown in events")
    .option("--by <name>", "who; the login user if left out")
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
A service with \`recovery: manual\` stays on its fallback after an outage, on both nodes and over a
failover, until it is released. Where its real servers are still down then, it returns by itself
when they are healthy.

Examples:
  lbpair release VNA
  lbpair release VNA --reason "archive checked"`,
    )
    .action((services: string[], options: ReleaseOptions) =>
      act(async (context) => {
        const { by, reason } = options;
        const answer = (await context.daemons.ask(
          "replicator",
          "POST /hold",
          {
            release: services,
            by: orderedBy(context, by),
            ...(reason === undefined ? {} : { reason }),
          },
          ORDER_TIMEOUT_MS,
        )) as ModeAnswer;
        if (options.json === true) context.printJson(answer);
        else {
          const { glyphs } = context;
          context.print([
            ...services.map((name) =>
              line(span(`${glyphs.on} `, "green"), span(name, "bold"), " is released"),
            ),
            peerLine(answer.peer, glyphs),
          ]);
        }
        return EXIT.done;
      }, options),
    );
};
