// choice.ts — an argument that is one of a few words, with a "did you mean" for slips.
import { didYouMean } from "@lbpair/common";
import { Argument, InvalidArgumentError } from "commander";

export function choiceArgument(
  flags: string,
  description: string,
  choices: readonly string[],
): Argument {
  return new Argument(flags, description).choices([...choices]).argParser((word: string) => {
    if (choices.includes(word)) return word;
    const meant = didYouMean(word, choices);
    const guess = meant === undefined ? "" : ` (Did you mean ${meant}?)`;
    throw new InvalidArgumentError(`Want one of ${choices.join(", ")}.${guess}`);
  });
}
