// fields-verb.ts — the hidden `lbpair fields`: reference documents out of the schema and the help texts.

import { EXIT } from "../context.js";
import { cliReference } from "../docs-text.js";
import { fieldReference, fieldRows } from "../field-reference.js";
import type { Register } from "./register.js";

export const registerFields: Register = (program, act) => {
  program
    .command("fields", { hidden: true })
    .description("every field of the configuration files, from the schema")
    .option("--markdown", "as docs/configuration.md")
    .option("--cli", "docs/cli.md instead")
    .option("--json", "for programs")
    .action((options: { markdown?: boolean; cli?: boolean; json?: boolean }) =>
      act(async (context) => {
        if (options.json === true) context.printJson(fieldRows());
        else if (options.cli === true) context.world.stdout.write(cliReference(context.world));
        else context.world.stdout.write(fieldReference());
        return EXIT.done;
      }, options),
    );
};
