// planted-bugs.ts — faults of the forwarder that the model test has to find, planted between it and its commands.
import { type Run, type RunOptions, runCommand } from "@lbpair/common";

export interface PlantedBug {
  readonly name: string;
  readonly what: string;
  readonly run: Run;
}

/** Commands run with another input, or with other words. */
const changing =
  (change: (argv: readonly string[], input: string) => { argv: string[]; input: string }): Run =>
  (argv, { input, inputParts, ...options }: RunOptions = {}) => {
    // What comes in parts, as a whole table does, is changed as a whole.
    const whole = inputParts === undefined ? input : [...inputParts].join("");
    const changed = change(argv, whole ?? "");
    return runCommand(
      changed.argv,
      whole === undefined ? options : { ...options, input: changed.input },
    );
  };

const changingInput = (change: (input: string) => string): Run =>
  changing((argv, input) => ({ argv: [...argv], input: change(input) }));

const withoutLines =
  (pattern: RegExp) =>
  (input: string): string =>
    input
      .split("\n")
      .filter((line) => !pattern.test(line))
      .join("\n");

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "udp-entries-stay",
    what: "UDP flows are not freed from a server that left",
    run: changing((argv, input) =>
      argv[0] === "conntrack" && argv.includes("-D") && argv.includes("udp")
        ? { argv: ["true"], input }
        : { argv: [...argv], input },
    ),
  },
  {
    name: "server-port-stays",
    what: "a server that has lost its own port is still reached on it",
    run: changingInput(withoutLines(/^delete element ip lbpair serverports /)),
  },
  {
    name: "nothing-is-cut",
    what: "open connections of a halted server go on",
    run: changing((argv, input) =>
      argv[0] === "conntrack" && argv.includes("-D") && argv.includes("tcp")
        ? { argv: ["true"], input }
        : { argv: [...argv], input: withoutLines(/^add element ip lbpair cuts /)(input) },
    ),
  },
];
