// completion.ts — which words may come next on the command line, and the shells' glue to ask that.
import type { Command } from "commander";

export const SHELLS = ["bash", "zsh"] as const;
export type Shell = (typeof SHELLS)[number];

const BASH = `# bash completion of lbpair; in ~/.bashrc: source <(lbpair completion bash)
_lbpair() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <(lbpair complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [ "\${COMPREPLY[0]-}" = ":files" ] && COMPREPLY=() && compopt -o default
  return 0
}
complete -F _lbpair lbpair
`;

const ZSH = `#compdef lbpair
# zsh completion of lbpair; in ~/.zshrc: source <(lbpair completion zsh)
_lbpair() {
  local -a found
  found=("\${(@f)$(lbpair complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [ "\${found[1]-}" = ":files" ]; then
    _files
  else
    compadd -- "\${(@)found:#}"
  fi
}
compdef _lbpair lbpair
`;

export const completionScript = (shell: Shell): string => (shell === "bash" ? BASH : ZSH);

/** Stands for "a file name", which shells complete better themselves. */
export const FILES = ":files";

/** What only the appliance knows. */
export interface CompletionFacts {
  serverNames(): Promise<readonly string[]>;
}

const visible = (program: Command): readonly Command[] =>
  program.createHelp().visibleCommands(program);

const optionsOf = (command: Command): readonly string[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option) => option.long ?? option.short ?? []);

const takesValue = (command: Command, word: string): boolean =>
  command.options.some(
    (option) => (option.long === word || option.short === word) && option.required,
  );

/** Words without options and their values. */
function plainWords(
  program: Command,
  verb: Command | undefined,
  words: readonly string[],
): string[] {
  const plain: string[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? "";
    if (!word.startsWith("-")) plain.push(word);
    else if (takesValue(program, word) || (verb !== undefined && takesValue(verb, word))) i += 1;
  }
  return plain;
}

async function argumentsOf(
  verb: Command,
  given: readonly string[],
  facts: CompletionFacts,
): Promise<readonly string[]> {
  const known = verb.registeredArguments;
  const argument = known[Math.min(given.length, known.length - 1)];
  if (argument === undefined || (given.length >= known.length && !argument.variadic)) return [];
  if (argument.argChoices !== undefined) return argument.argChoices;
  if (argument.name() === "file") return [FILES];
  const names = await facts.serverNames();
  return names.filter((name) => !given.includes(name));
}

/** Candidates for the last of `words`, which may be empty; the words before it are complete. */
export async function complete(
  program: Command,
  words: readonly string[],
  facts: CompletionFacts,
): Promise<readonly string[]> {
  const last = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const verbs = visible(program);
  const [verbName, ...given] = plainWords(
    program,
    verbs.find((one) => before.includes(one.name())),
    before,
  );
  const verb = verbs.find((one) => one.name() === verbName);
  const previous = before.at(-1) ?? "";
  if (takesValue(program, previous)) return [FILES];
  if (verb !== undefined && takesValue(verb, previous)) return [];
  const candidates = last.startsWith("-")
    ? [...(verb === undefined ? [] : optionsOf(verb)), ...optionsOf(program)]
    : verb === undefined
      ? verbs.map((one) => one.name())
      : await argumentsOf(verb, given, facts);
  return [...new Set(candidates)].filter((word) => word === FILES || word.startsWith(last));
}
