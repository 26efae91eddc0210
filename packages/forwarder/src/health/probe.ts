// probe.ts — what every kind of check is to the one who runs it.
import type { CheckTrace } from "@lbpair/common";
import type { LastResult } from "./script-arguments.js";
import type { CheckResult, CheckTarget } from "./types.js";

export interface ProbeContext {
  /** Ends the check early: the server is no longer configured, or the daemon stops. */
  readonly signal: AbortSignal;
  /** This check's number among those that may turn the present verdict, from 1. */
  readonly attempt: number;
  readonly lastResult: LastResult;
  /** The own address that the check comes from; absent = the kernel's choice. */
  readonly source?: string | undefined;
  /** Told how a script is run and what it printed, where someone wants to see it. */
  readonly trace?: (trace: CheckTrace) => void;
}

export interface ProbeRun {
  /** Answers at the check's timeout at the latest; never rejects. */
  readonly result: Promise<CheckResult>;
  /** Nothing of the check is left running; never rejects. */
  readonly ended: Promise<void>;
}

export type Probe = (target: CheckTarget, context: ProbeContext) => ProbeRun;

/** A check that leaves nothing behind its answer. */
export function simpleProbe(
  check: (target: CheckTarget, context: ProbeContext) => Promise<CheckResult>,
): Probe {
  return (target, context) => {
    const result = check(target, context).catch(
      (error: unknown): CheckResult => ({ passed: false, reason: `check failed: ${error}` }),
    );
    return { result, ended: result.then(() => undefined) };
  };
}
