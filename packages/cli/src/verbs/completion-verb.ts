// completion-verb.ts — `lbpair completion bash|zsh`, and the hidden `complete` that its scripts ask.
import { complete, completionScript, SHELLS, type Shell } from "../completion.js";
import { EXIT } from "../context.js";
import { realServerNames } from "../server-names.js";
import { choiceArgument } from "./choice.js";
import type { Register } from "./register.js";

export const registerCompletion: Register = (program, act) => {
  program
    .command("completion")
    .description("a script that completes verbs, options and server names in your shell")
    .addArgument(choiceArgument("<shell>", "which shell", SHELLS))
    .addHelpText(
      "after",
      `
Examples:
  source <(lbpair completion bash)
  lbpair completion bash > /etc/bash_completion.d/lbpair
  lbpair completion zsh > /usr/local/share/zsh/site-functions/_lbpair`,
    )
    .action((shell: Shell) =>
      act(async (context) => {
        context.world.stdout.write(completionScript(shell));
        return EXIT.done;
      }),
    );
};

export const registerComplete: Register = (program, act) => {
  program
    .command("complete", { hidden: true })
    .description("candidates for the last word, one per line; asked by the shells' scripts")
    .argument("[words...]", "the words after lbpair")
    .allowUnknownOption()
    .action((words: string[]) =>
      act(async (context) => {
        const found = await complete(program, words, {
          serverNames: async () => (await realServerNames(context.daemons, context.paths)) ?? [],
        });
        for (const word of found) context.world.stdout.write(`${word}\n`);
        return EXIT.done;
      }),
    );
};
