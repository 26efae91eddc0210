// script-probe.ts — a check by an external script: what its end means, and nothing left behind.
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { describeDuration, type Run } from "@lbpair/common";
import { type CheckUser, resolveCheckUser } from "./check-user.js";
import type { Probe, ProbeContext } from "./probe.js";
import { scriptArguments, scriptEnvironment } from "./script-arguments.js";
import { portsInOutput } from "./script-ports.js";
import { runScript, SCRIPT_OUTPUT_BYTES_MAX, type ScriptOutcome } from "./script-process.js";
import { RUN_MARKER, StraySweeper } from "./stray-processes.js";
import type { CheckResult, CheckTarget } from "./types.js";

export interface ScriptProbe {
  readonly probe: Probe;
  /** Ends what scripts of an earlier, killed daemon left running. */
  clean(): Promise<void>;
}

export interface ScriptProbeOptions {
  readonly run: Run;
  readonly folder: string;
  readonly user: string;
  /** Tells this appliance's scripts from another's on the same machine. */
  readonly scope: string;
}

const failed = (reason: string): CheckResult => ({ passed: false, reason });

/** Exit codes by which setpriv and prlimit say that the script itself could not be started. */
const NOT_EXECUTED = /^(?:setpriv|prlimit): failed to execute/;

/** The meaning of a script's end. */
export function meaningOf(name: string, outcome: ScriptOutcome, timeoutMs: number): CheckResult {
  const { line } = outcome;
  const said = line === "" ? "" : `; it said: ${line}`;
  switch (outcome.end) {
    case "timed-out": {
      const reason = `script ${name} gave no answer within ${describeDuration(timeoutMs)}${said}`;
      return { passed: false, reason, timedOut: true };
    }
    case "printed-too-much":
      return failed(`script ${name} printed more than ${SCRIPT_OUTPUT_BYTES_MAX} bytes${said}`);
    case "aborted":
      return failed(`script ${name} was ended`);
    case "not-started":
      return failed(`script ${name} cannot be started: ${line}`);
    case "exited":
      break;
    default:
      return outcome.end satisfies never;
  }
  if (outcome.code === 0) return { passed: true, reason: line === "" ? "exit code 0" : line };
  if (NOT_EXECUTED.test(line)) return failed(`script ${name} cannot be started: ${line}`);
  const how = outcome.signal === null ? `exit code ${outcome.code}` : `ended by ${outcome.signal}`;
  return failed(line === "" ? `script ${name}: ${how}` : `${line} (${how})`);
}

/** Why a script cannot run, before anything is started; undefined where it can. */
async function obstacle(folder: string, name: string): Promise<string | undefined> {
  if (name === "" || name.startsWith(".") || name.includes("/") || name.includes("\0")) {
    return `${JSON.stringify(name)} is no name of a script`;
  }
  try {
    const found = await stat(join(folder, name));
    if (!found.isFile()) return `script ${name} is no file`;
    if ((found.mode & 0o111) === 0) return `script ${name} is not executable`;
    // An empty program ends with exit code 0, and has checked nothing.
    if (found.size === 0) return `script ${name} is empty`;
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return `script ${name} is missing`;
    return `script ${name} cannot be read: ${code ?? error}`;
  }
}

class Scripts implements ScriptProbe {
  readonly #options: ScriptProbeOptions;
  readonly #scope: string;
  readonly #instance = `${process.pid}-${Date.now().toString(36)}`;
  readonly #alive = new Set<string>();
  readonly #sweeper: StraySweeper;
  #number = 0;
  #user: CheckUser | undefined;

  constructor(options: ScriptProbeOptions) {
    this.#options = options;
    this.#scope = createHash("sha256").update(options.scope).digest("hex").slice(0, 12);
    this.#sweeper = new StraySweeper(
      (marker) => marker.startsWith(`${this.#scope}/`) && !this.#alive.has(marker),
    );
  }

  readonly probe: Probe = (target, context) => {
    let answer: (result: CheckResult) => void = () => undefined;
    const result = new Promise<CheckResult>((resolve) => {
      answer = resolve;
    });
    const ended = this.#check(target, context, answer).catch((error: unknown) => {
      answer(failed(`the script could not be run: ${error}`));
    });
    return { result, ended };
  };

  async clean(): Promise<void> {
    const who = await this.#checkUser();
    if (who.ok) await this.#sweeper.sweep(who.uid);
  }

  /** Looked up until it is found: a user may be made after the daemon started. */
  async #checkUser(): Promise<CheckUser> {
    if (this.#user?.ok !== true) {
      this.#user = await resolveCheckUser(this.#options.run, this.#options.user);
    }
    return this.#user;
  }

  async #check(
    target: CheckTarget,
    context: ProbeContext,
    answer: (result: CheckResult) => void,
  ): Promise<void> {
    const { check } = target;
    if (check.type !== "external") return answer(failed(`${check.type} is no script`));
    const reason = await obstacle(this.#options.folder, check.script);
    if (reason !== undefined) return answer(failed(reason));
    const who = await this.#checkUser();
    if (!who.ok) return answer(failed(who.reason));
    this.#number += 1;
    const marker = `${this.#scope}/${this.#instance}/${this.#number}`;
    const facts = { ...context, timeoutMs: check.timeout };
    const env = { ...scriptEnvironment(target, facts), [RUN_MARKER]: marker };
    const file = join(this.#options.folder, check.script);
    const argv = [...who.prefix, file, ...scriptArguments(target)];
    this.#alive.add(marker);
    const script = runScript(argv, { env, timeoutMs: check.timeout, signal: context.signal });
    const outcome = await script.outcome;
    context.trace?.({ argv, environment: env, output: outcome.output });
    const ports = portsInOutput(outcome.output);
    const meaning = meaningOf(check.script, outcome, check.timeout);
    answer({ ...meaning, ...(ports === undefined ? {} : { ports }) });
    await script.gone;
    this.#alive.delete(marker);
    await this.#sweeper.sweep(who.uid);
  }
}

export const createScriptProbe = (options: ScriptProbeOptions): ScriptProbe => new Scripts(options);
