#!/usr/bin/env node
// main.ts — lbpair: wires the command line to this process.
import { runCommand, systemClock } from "@lbpair/common";
import type { Output, World } from "./context.js";
import { runCli } from "./program.js";

const COLUMNS_DEFAULT = 100;
const ROWS_DEFAULT = 40;

const output = (stream: NodeJS.WriteStream): Output => ({
  isTerminal: stream.isTTY === true,
  get columns() {
    const told = Number(process.env.COLUMNS);
    return stream.columns ?? (Number.isInteger(told) && told > 0 ? told : COLUMNS_DEFAULT);
  },
  get rows() {
    return stream.rows ?? ROWS_DEFAULT;
  },
  write: (text) => {
    stream.write(text);
  },
});

const abort = new AbortController();
let asked = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    asked += 1;
    abort.abort();
    // Verbs that follow or watch end themselves; any other is ended here, or at the second Ctrl-C.
    const follows = process.argv.some((word) => word === "--watch" || word === "--follow");
    if (!follows || asked > 1) process.exit(signal === "SIGINT" ? 130 : 143);
  });
}
// A reader that has left, as in `lbpair events | head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const world: World = {
  env: process.env,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  run: runCommand,
  clock: systemClock,
  signal: abort.signal,
};
process.exitCode = await runCli(process.argv.slice(2), world);
if (abort.signal.aborted) process.exit(0);
