// fields-verb.ts — the hidden `lbpair fields`: the configuration reference out of the schema.
import { EXIT } from "../context.js";
import { fieldReference, fieldRows } from "../field-reference.js";
import type { Register } from "./register.js";

export const registerFields: Register = (program, act) => {
  program
    .command("fields", { hidden: true })
    .description("every field of the configuration files, from the schema")
    .option("--markdown", "as docs/configuration.md")
    .option("--json", "for programs")
    .action((options: { markdown?: boolean; json?: boolean }) =>
      act(async (context) => {
        if (options.json === true) context.printJson(fieldRows());
        else context.world.stdout.write(fieldReference());
        return EXIT.done;
      }, options),
    );
};
