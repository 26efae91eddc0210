// replicator.ts — keeps the state of replication and makes its attempts when they are due, one at a time.
import {
  describeDuration,
  type PeerAnswer,
  type ReplicationState,
  type ReplicatorStatus,
} from "@lbpair/common";
import { type Attempt, type AttemptOptions, attemptPeer, failureEvent } from "./attempt.js";
import {
  attemptDue,
  type Replication,
  type ReplicationEvent,
  stepReplication,
  UNPAIRED,
} from "./core/replication.js";
import type { NodeState } from "./node-state.js";
import type { Peer } from "./peer.js";

/** How late an attempt may be. */
const TICK_MS = 200;

const LEVELS: Readonly<Record<ReplicationState, "info" | "warn" | "alarm">> = {
  unpaired: "info",
  "in-sync": "info",
  pending: "info",
  pushing: "info",
  refused: "alarm",
  unreachable: "warn",
  drifted: "warn",
};

export interface Replicator {
  /** The peer's connection; undefined on a single appliance. */
  peer(): Peer | undefined;
  usePeer(peer: Peer | undefined): void;
  /** Compares now and, with more `effort`, mends; waits for a round that is under way. */
  attempt(options: AttemptOptions): Promise<Attempt | undefined>;
  /** Something of ours is to go to the peer. */
  changed(reason: string): void;
  /** What of ours the peer does not have yet, for people: "revision 7". */
  waits(what: string): void;
  /** The peer, or a call made outside an attempt, told how things stand. */
  note(event: ReplicationEvent): void;
  noteFailure(error: unknown): void;
  answer(): PeerAnswer;
  status(): ReplicatorStatus["peer"];
  close(): void;
}

export function createReplicator(node: NodeState): Replicator {
  let peer: Peer | undefined;
  let state: Replication = UNPAIRED;
  let waiting: string | undefined;
  let running: Promise<Attempt | undefined> | undefined;
  /** Rises with everything told from outside, so that a round knows when its findings are stale. */
  let told = 0;

  const note = (event: ReplicationEvent) => {
    const before = state;
    state = stepReplication(state, event, node.clock.now());
    if (state.state === "in-sync" || state.state === "unpaired") waiting = undefined;
    const known = before.state === state.state && before.reason === state.reason;
    const stillWell = before.state === "in-sync" && state.state === "in-sync";
    // "pushing" is too short to be worth a line, and a repeated failure was told the first time.
    if (known || stillWell || state.state === "pushing") return;
    const { state: name, reason } = state;
    node.events.record(LEVELS[name], `replication-${name}`, `${name}: ${reason}`, {
      was: before.state,
      failures: state.failures,
    });
  };

  const round = async (options: AttemptOptions): Promise<Attempt | undefined> => {
    const with_ = peer;
    if (with_ === undefined) return undefined;
    note({ kind: "attempt" });
    const toldBefore = told;
    const attempt = await attemptPeer(node, with_, options);
    if (peer !== with_) return attempt;
    note(attempt.event);
    if (told !== toldBefore && attempt.event.kind === "compared") note({ kind: "awake" });
    return attempt;
  };

  const attempt = async (options: AttemptOptions): Promise<Attempt | undefined> => {
    while (running !== undefined) await running;
    running = round(options).finally(() => {
      running = undefined;
    });
    return running;
  };

  const timer = setInterval(() => {
    if (running !== undefined || !attemptDue(state, node.clock.now())) return;
    void attempt({ effort: "follow" });
  }, TICK_MS);

  const reasonNow = (): string => {
    const waits = waiting !== undefined && state.state === "unreachable";
    return waits ? `${state.reason}; ${waiting} waits for it` : state.reason;
  };

  const tell = (event: ReplicationEvent) => {
    told += 1;
    note(event);
  };

  return {
    peer: () => peer,
    usePeer(next) {
      peer?.close();
      peer = next;
      tell({ kind: next === undefined ? "unpaired" : "paired" });
    },
    attempt,
    changed: (reason) => tell({ kind: "changed", reason }),
    note: tell,
    noteFailure: (error) => tell(failureEvent(error)),
    waits: (what) => {
      waiting = what;
    },
    answer: () => ({ state: state.state, reason: reasonNow() }),
    status() {
      const now = node.clock.now();
      const { attemptAt, lastSuccessAt, failures } = state;
      const wait = attemptAt === null ? null : Math.max(0, Math.round(attemptAt - now));
      const again =
        state.state === "unreachable" && wait !== null
          ? `; next attempt in ${describeDuration(wait)}`
          : "";
      return {
        state: state.state,
        reason: `${reasonNow()}${again}`,
        revision: state.peer?.revision ?? null,
        modes: state.peer?.modes ?? null,
        lastSuccessAgeMs: lastSuccessAt === null ? null : Math.round(now - lastSuccessAt),
        nextAttemptInMs: wait,
        failures,
      };
    },
    close() {
      clearInterval(timer);
      peer?.close();
    },
  };
}
