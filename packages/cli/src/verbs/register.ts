// register.ts — how a verb joins the program.
import type { Command } from "commander";
import type { Context, ExitCode } from "../context.js";

/** Runs a verb's work with the context made from the global options. */
export type Act = (
  work: (context: Context) => Promise<ExitCode>,
  options?: { readonly json?: boolean | undefined },
) => Promise<void>;

export type Register = (program: Command, act: Act) => void;
