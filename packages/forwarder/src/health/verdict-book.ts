// verdict-book.ts — every server's verdict, and whose verdicts the maps follow: the state of the engine.
import type { Condition, Millis, Verdicts } from "@lbpair/common";
import {
  FOLLOWING_NOBODY,
  type Following,
  followedVerdicts,
  inheritance,
  isFollowing,
  type Judged,
  withActive,
  withCondition,
  withOnly,
  withResult,
} from "./followed.js";
import { type Memory, NO_MEMORY, type RememberedServer } from "./memory.js";
import { portOf, sameQuestion, sameServer } from "./question.js";
import type {
  CheckResult,
  CheckTarget,
  FollowedVerdicts,
  ServerVerdict,
  VerdictSource,
} from "./types.js";
import {
  type Counting,
  countNeeded,
  declare,
  judge,
  NEVER_JUDGED,
  type VerdictState,
} from "./verdict.js";

interface Server {
  readonly target: CheckTarget;
  readonly state: VerdictState;
  readonly lastStart: Millis | null;
  /** The verdict is remembered, and no check of this life has confirmed it yet. */
  readonly fromMemory: boolean;
  /** Of the last check. */
  readonly ports?: CheckResult["ports"] | undefined;
}

/** What a result did. */
export interface Turn {
  readonly before: VerdictState;
  readonly after: VerdictState;
  readonly turned: boolean;
}

const counting = ({ check }: CheckTarget): Counting =>
  check.type === "on" || check.type === "off" ? { failures: 0, successes: 0 } : check;

function applyType(state: VerdictState, target: CheckTarget, now: Millis): VerdictState {
  if (target.check.type === "on") return declare(state, "healthy", "no checks, always on", now);
  if (target.check.type === "off") return declare(state, "unhealthy", "always off", now);
  return state;
}

const newServer = (target: CheckTarget, now: Millis): Server => ({
  target,
  state: applyType(NEVER_JUDGED, target, now),
  lastStart: null,
  fromMemory: false,
});

export class VerdictBook {
  readonly #digest: (text: string) => string;
  #servers = new Map<string, Server>();
  #following: Following = FOLLOWING_NOBODY;
  #followed: Verdicts = { serial: 0, hash: "", unhealthy: [], unknown: [] };
  #remembered: Memory = NO_MEMORY;
  #inheritedFrom: "active" | "memory" = "memory";
  #hasTargets = false;

  constructor(digest: (text: string) => string) {
    this.#digest = digest;
  }

  /** What an earlier life knew; to be called before the first targets. */
  remember(memory: Memory): void {
    this.#remembered = memory;
    this.#following = { ...this.#following, inherited: memory.inherited };
    this.#followed = { ...this.#followed, serial: memory.serial, hash: memory.hash };
  }

  setTargets(targets: readonly CheckTarget[], now: Millis): void {
    const servers = new Map<string, Server>();
    const known = new Set<string>();
    for (const target of targets) {
      const server = this.#knownServer(target, now);
      if (server !== undefined) known.add(target.id);
      servers.set(target.id, server ?? newServer(target, now));
    }
    this.#servers = servers;
    this.#remembered = NO_MEMORY;
    this.#hasTargets = true;
    this.#following = withOnly(this.#following, known);
    this.refresh();
  }

  /** A server known from before, in this life or the last; undefined where it is a new one. */
  #knownServer(target: CheckTarget, now: Millis): Server | undefined {
    const known = this.#servers.get(target.id);
    if (known !== undefined && sameServer(known.target, target)) {
      if (sameQuestion(known.target, target)) return { ...known, target };
      // Another question: the verdict stands until its answers come, but they count from nothing.
      const state = applyType({ ...known.state, count: 0 }, target, now);
      return { ...known, target, state, lastStart: null };
    }
    const remembered = this.#remembered.servers.get(target.id);
    if (remembered === undefined || !sameServer(remembered, target)) return undefined;
    const state = applyType(remembered.state, target, now);
    return { target, state, lastStart: remembered.lastStart, fromMemory: true };
  }

  /** Whether it is known which servers there are; before, there is nothing worth remembering. */
  get hasTargets(): boolean {
    return this.#hasTargets;
  }

  /** A check's result; `refresh` makes it count for what is followed. */
  addResult(id: string, result: CheckResult, started: Millis, now: Millis): Turn | undefined {
    const server = this.#servers.get(id);
    if (server === undefined) return undefined;
    const before = server.state;
    const after = judge(before, result, counting(server.target), now);
    const { ports } = result;
    this.#servers.set(id, {
      ...server,
      state: after,
      lastStart: started,
      fromMemory: false,
      ports,
    });
    const inheritedBefore = this.#following.inherited;
    this.#following = withResult(this.#following, id, result, counting(server.target), after, now);
    const turned = after.health !== before.health || this.#following.inherited !== inheritedBefore;
    return { before, after, turned };
  }

  setCondition(condition: Condition, peerAlive: boolean, now: Millis): void {
    const wasFollowing = isFollowing(this.#following);
    this.#following = withCondition(this.#following, condition, peerAlive, this.#judged(), now);
    if (wasFollowing) this.#inheritedFrom = "active";
    this.refresh();
  }

  followActive(verdicts: Verdicts): void {
    this.#following = withActive(this.#following, verdicts);
    this.refresh();
  }

  /** Recomputes what is followed. */
  refresh(): void {
    const judged = this.#judged();
    this.#followed = followedVerdicts(this.#following, judged, this.#followed, this.#digest);
  }

  followed(): FollowedVerdicts {
    return { ...this.#followed, source: this.#source() };
  }

  #source(): VerdictSource {
    if (isFollowing(this.#following)) return "active";
    if (this.#following.inherited.size > 0) return this.#inheritedFrom;
    for (const { fromMemory, target } of this.#servers.values()) {
      if (fromMemory && target.check.type !== "on" && target.check.type !== "off") return "memory";
    }
    return "own";
  }

  own(): ReadonlyMap<string, ServerVerdict> {
    const verdicts = new Map<string, ServerVerdict>();
    for (const [id, { state, target, ports }] of this.#servers) {
      const needed = countNeeded(state.health, counting(target));
      verdicts.set(id, { id, ...state, countNeeded: needed, ports });
    }
    return verdicts;
  }

  targets(): CheckTarget[] {
    return [...this.#servers.values()].map(({ target }) => target);
  }

  target(id: string): CheckTarget | undefined {
    return this.#servers.get(id)?.target;
  }

  lastStart(id: string): Millis | null {
    return this.#servers.get(id)?.lastStart ?? null;
  }

  state(id: string): VerdictState {
    return this.#servers.get(id)?.state ?? NEVER_JUDGED;
  }

  /** What the next life has to know. */
  memory(now: Millis): Memory {
    const servers = new Map<string, RememberedServer>();
    for (const [id, { target, state, lastStart }] of this.#servers) {
      servers.set(id, { state, address: target.address, port: portOf(target), lastStart });
    }
    const { active, inherited } = this.#following;
    const kept =
      active !== null && isFollowing(this.#following)
        ? inheritance(active, this.#judged(), now)
        : inherited;
    return { serial: this.#followed.serial, hash: this.#followed.hash, servers, inherited: kept };
  }

  #judged(): Judged {
    return new Map([...this.#servers].map(([id, { state }]) => [id, state]));
  }
}
