// docs-text.ts — docs/cli.md: the command line's reference, from the program's own help.

import type { World } from "./context.js";
import { createProgram } from "./program.js";

const INTRODUCTION = `# lbpair, the command line

Generated from \`--help\` by \`lbpair fields --cli\`; a test keeps it current.

\`lbpair\` talks to the daemons of the node it runs on, over their control sockets in \`/run/lbpair\`, and
through its replicator to the other node: every verb works from either node. It needs the right to
open those sockets, so normally root.

| exit code | means |
|---|---|
| 0 | done |
| 1 | refused or failed; the reason is on standard error |
| 2 | wrong usage |

Every verb but \`completion\` takes \`--json\`. Colours appear on terminals only and never where \`NO_COLOR\`
is set. \`--etc\`, \`--state\`, \`--run\` (or \`LBPAIR_ETC\`, \`LBPAIR_STATE\`, \`LBPAIR_RUN\`) point at another
appliance on the same machine. A daemon that does not run is named with its socket and what to do;
\`status\` then still shows everything else and exits 1.
`;

/** Help texts as a terminal of 100 columns shows them. */
export function cliReference(world: World): string {
  const pages: string[] = [];
  const output = { ...world.stdout, columns: 100, isTerminal: false, rows: 40 };
  let page = "";
  const capture: World = {
    ...world,
    stdout: {
      ...output,
      write: (text: string) => {
        page += text;
      },
    },
  };
  const program = createProgram(capture, () => undefined);
  const pageOf = (show: () => void): string => {
    page = "";
    show();
    return page.trimEnd();
  };
  pages.push(`## lbpair\n\n\`\`\`\n${pageOf(() => program.outputHelp())}\n\`\`\`\n`);
  for (const verb of program.createHelp().visibleCommands(program)) {
    if (verb.name() === "help") continue;
    pages.push(`## lbpair ${verb.name()}\n\n\`\`\`\n${pageOf(() => verb.outputHelp())}\n\`\`\`\n`);
  }
  return `${INTRODUCTION}\n${pages.join("\n")}`;
}
