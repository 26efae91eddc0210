// engine.ts — health checking wired together: timetable, checks, verdicts, memory.
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import {
  type CheckTrial,
  type Clock,
  createIcmpPing,
  type EventLog,
  type Log,
  type Millis,
  type Run,
} from "@lbpair/common";
import { readBootId } from "./boot.js";
import { type CheckRunner, createCheckRunner } from "./check-runner.js";
import { decodeMemory, encodeMemory, type Moment } from "./memory.js";
import { createMemoryFile, type MemoryFile } from "./memory-file.js";
import { MemoryKeeper } from "./memory-keeper.js";
import { PingAsker } from "./ping-probe.js";
import type { Probe, ProbeContext } from "./probe.js";
import { createProbe } from "./probes.js";
import { sourceFor } from "./question.js";
import { createResultRecord, type ResultRecord } from "./result-record.js";
import type { ResultRun } from "./result-runs.js";
import { createScriptProbe } from "./script-probe.js";
import { tryCheck } from "./trial.js";
import type { CheckResult, CheckTarget, HealthEngine } from "./types.js";
import { type Turn, VerdictBook } from "./verdict-book.js";

/** A turned verdict waits this long for its memory to be on disk before it is acted on. */
export const REMEMBER_FIRST_MS = 250;
/** Longest wait for the disk when stopping. */
const STOP_MS = 2000;

export interface HealthEngineDeps {
  readonly clock: Clock;
  readonly run: Run;
  /** Where verdicts are remembered, e.g. `state/forwarder/verdicts.json`. */
  readonly stateFile: string;
  /** The external scripts in force, e.g. `state/running/health-checks`. */
  readonly scriptFolder: string;
  /** As whom they run; never root. */
  readonly user: string;
  /** The own addresses that checks may come from; none = the kernel's choice. */
  readonly sources?: () => readonly string[];
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly event: EventLog["record"];
  /** Replaces the checks; for tests. */
  readonly probe?: Probe;
  /** How much later than planned each check starts; for measurements. */
  readonly onStart?: (lateMs: number) => void;
  /** In [0, 1); spreads first checks. */
  readonly random?: () => number;
}

/** First 16 hex digits of SHA-256. */
export const digest16 = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 16);

const within = (work: Promise<unknown>, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });

class Engine implements HealthEngine {
  readonly #deps: HealthEngineDeps;
  readonly #book = new VerdictBook(digest16);
  readonly #file: MemoryFile;
  readonly #keeper: MemoryKeeper;
  readonly #probe: Probe;
  readonly #runner: CheckRunner;
  readonly #pings = new PingAsker(createIcmpPing());
  readonly #cleanScripts: () => Promise<void>;
  readonly #bootId = readBootId();
  readonly #record: ResultRecord;
  readonly #listeners = new Set<() => void>();
  #loaded = false;
  #uncountedToldAt: Millis | null = null;
  /** A verdict has turned and is not followed yet. */
  #turned = false;
  /** A round of remembering and following is under way. */
  #following = false;
  #stopped = false;

  constructor(deps: HealthEngineDeps) {
    this.#deps = deps;
    const { run, scriptFolder: folder, user, stateFile } = deps;
    const scripts = createScriptProbe({ run, folder, user, scope: stateFile });
    this.#cleanScripts = () => scripts.clean();
    this.#file = createMemoryFile(stateFile, (error) => {
      deps.log.error({ error: error.message }, "verdicts cannot be remembered");
    });
    const wall = () => deps.clock.wall().getTime();
    this.#record = createResultRecord(join(dirname(stateFile), "results.json"), wall, (error) => {
      deps.log.warn({ error: error.message }, "results cannot be recorded");
    });
    this.#keeper = new MemoryKeeper({
      file: this.#file,
      clock: deps.clock,
      knows: () => this.#book.hasTargets,
      words: () => {
        const moment = this.#moment();
        return encodeMemory(this.#book.memory(moment.now), moment);
      },
    });
    this.#probe =
      deps.probe ??
      createProbe({
        scripts: scripts.probe,
        pings: this.#pings,
        sources: deps.sources ?? (() => []),
      });
    this.#runner = createCheckRunner({
      clock: deps.clock,
      probe: this.#probe,
      random: deps.random ?? Math.random,
      facts: (id) => this.#facts(id),
      ...(deps.onStart === undefined ? {} : { onStart: deps.onStart }),
      onResult: (target, result, started) => this.#onResult(target, result, started),
      onUncounted: (target, why) => this.#tellUncounted(target, why),
    });
  }

  start(): void {
    this.#load();
    // A script that a killed predecessor left hanging ends before the same check starts anew.
    void this.#cleanScripts().then(() => {
      if (!this.#stopped) this.#runner.start();
    });
  }

  update(targets: readonly CheckTarget[]): void {
    this.#load();
    const { clock } = this.#deps;
    this.#record.keep(targets);
    this.#changing(() => this.#book.setTargets(targets, clock.now()));
    this.#runner.update(targets, (id) => this.#book.lastStart(id));
  }

  targets(): readonly CheckTarget[] {
    return this.#book.targets();
  }

  results(id: string, now: number): readonly ResultRun[] {
    return this.#record.runs().of(id, now);
  }

  own() {
    return this.#book.own();
  }

  followed() {
    return this.#book.followed();
  }

  setCondition(condition: Parameters<HealthEngine["setCondition"]>[0], peerAlive: boolean): void {
    this.#changing(() => this.#book.setCondition(condition, peerAlive, this.#deps.clock.now()));
  }

  followActive(verdicts: Parameters<HealthEngine["followActive"]>[0]): void {
    this.#changing(() => this.#book.followActive(verdicts));
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  tryOut(ids: readonly string[], signal: AbortSignal): Promise<CheckTrial[]> {
    const targets = ids.flatMap((id) => this.#book.target(id) ?? []);
    return Promise.all(
      targets.map((target) => {
        const source = sourceFor(this.#deps.sources?.() ?? [], target.address);
        return tryCheck(target, this.#probe, { ...this.#facts(target.id), signal, source });
      }),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#keeper.stop();
    this.#listeners.clear();
    await this.#runner.stop();
    this.#pings.close();
    await within(Promise.all([this.#keeper.save(), this.#record.stop()]), STOP_MS);
  }

  #moment(): Moment {
    const { clock } = this.#deps;
    return { bootId: this.#bootId, now: clock.now(), wallMs: clock.wall().getTime() };
  }

  #load(): void {
    if (this.#loaded) return;
    this.#loaded = true;
    const { stateFile, event } = this.#deps;
    const refuse = (reason: string) => {
      const text = `what was remembered of servers' health is not believed: ${reason}`;
      event("warn", "verdicts-corrupt", text, { file: stateFile });
    };
    try {
      const content = this.#file.read();
      if (content === undefined) return;
      const decoded = decodeMemory(content, this.#moment());
      if (decoded.ok) this.#book.remember(decoded.memory);
      else refuse(decoded.reason);
    } catch (error) {
      refuse(error instanceof Error ? error.message : String(error));
    }
  }

  /** Does something to the book, and tells listeners where it changed what is followed. */
  #changing(change: () => void): void {
    const before = this.#book.followed();
    change();
    const after = this.#book.followed();
    if (
      before.hash === after.hash &&
      before.serial === after.serial &&
      before.source === after.source
    ) {
      return;
    }
    if (before.source !== after.source) {
      this.#deps.log.info({ was: before.source, now: after.source }, "whose verdicts are followed");
    }
    void this.#keeper.save();
    this.#tell();
  }

  #facts(id: string): Pick<ProbeContext, "attempt" | "lastResult"> {
    const { health, count, checkedAt } = this.#book.state(id);
    if (checkedAt === null) return { attempt: 1, lastResult: "none" };
    const lastPassed = (health === "healthy") === (count === 0);
    return { attempt: count + 1, lastResult: lastPassed ? "passed" : "failed" };
  }

  #onResult(target: CheckTarget, result: CheckResult, started: Millis): void {
    const turn = this.#book.addResult(target.id, result, started, this.#deps.clock.now());
    if (turn === undefined) return;
    this.#record.add(target, result.passed, this.#deps.clock.now() - started);
    if (turn.after.health !== turn.before.health) this.#report(target, turn);
    const counted = turn.after.count !== turn.before.count;
    const first = turn.before.checkedAt === null;
    if (turn.turned) void this.#rememberThenFollow();
    else if (counted || first) this.#keeper.saveSoon();
  }

  /**
   * On disk first, then in force: killed in between, the next life would send connections back to
   * a server just found dead. A disk that hangs delays this by no more than its bound. Verdicts that
   * turn meanwhile go together in the next round: a thousand servers of a dead switch are one change.
   */
  async #rememberThenFollow(): Promise<void> {
    this.#turned = true;
    if (this.#following) return;
    this.#following = true;
    while (this.#turned && !this.#stopped) {
      this.#turned = false;
      await within(this.#keeper.save(), REMEMBER_FIRST_MS);
      if (this.#stopped) break;
      this.#book.refresh();
      this.#tell();
    }
    this.#following = false;
  }

  /** One in a second: where this node is in trouble, every check of thousands says so. */
  #tellUncounted(target: CheckTarget, why: string): void {
    const now = this.#deps.clock.now();
    if (this.#uncountedToldAt !== null && now - this.#uncountedToldAt < 1000) return;
    this.#uncountedToldAt = now;
    this.#deps.log.warn({ server: target.id, why }, "a check's result is not counted");
  }

  #report(target: CheckTarget, { before, after }: Turn): void {
    const { id, service, server } = target;
    const facts = { service, server, was: before.health, reason: after.reason };
    const level = after.health === "healthy" ? "info" : "warn";
    this.#deps.event(
      level,
      `server-${after.health}`,
      `${id} is ${after.health}: ${after.reason}`,
      facts,
    );
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Health checks of all real servers; nothing happens before `start`. */
export function createHealthEngine(deps: HealthEngineDeps): HealthEngine {
  return new Engine(deps);
}
