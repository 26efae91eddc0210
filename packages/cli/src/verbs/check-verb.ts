// check-verb.ts — `lbpair check [FILE]`: everything wrong with a candidate, before it is applied.
import { checkCandidate } from "../check-candidate.js";
import { EXIT } from "../context.js";
import { gatherMeasured } from "../gather-measured.js";
import { checkLines } from "../view/check-lines.js";
import { countSeverity } from "../view/problem-lines.js";
import type { Register } from "./register.js";

export const registerCheck: Register = (program, act) => {
  program
    .command("check")
    .description(
      "everything wrong with the saved configuration on this node, and what to expect of it",
    )
    .argument("[file]", "another services.yaml to check instead")
    .option("--json", "for programs")
    .addHelpText(
      "after",
      `
Looks at services.yaml, appliance.yaml, modes.yaml, health-checks/, secrets/, this node's addresses
and other programs' firewall rules. Needs no daemon and changes nothing. Every problem is printed as
FILE:LINE: PATH: want …, got …; docs/problems.md explains the codes. Where all is good it prints
which services survive a failover without table sync, and the worst case of every switch beside
what the last one of its kind took, where the daemons remember one.

Examples:
  lbpair check
  lbpair check services.yaml.new
  lbpair check --json | jq '.problems'`,
    )
    .action((file: string | undefined, options: { json?: boolean }) =>
      act(async (context) => {
        const { daemons, paths, world } = context;
        const report = await checkCandidate(paths, world.run, file, await gatherMeasured(daemons));
        const good = countSeverity(report.problems, "error") === 0;
        if (options.json === true) {
          const { files, problems, coverage, timing, notes } = report;
          const measured = Object.fromEntries(report.measured);
          context.printJson({ good, files, problems, coverage, timing, measured, notes });
        } else {
          const options = { glyphs: context.glyphs, columns: world.stdout.columns };
          context.print(checkLines(report, options, world.clock.wall().getTime()));
        }
        return good ? EXIT.done : EXIT.failed;
      }, options),
    );
};
