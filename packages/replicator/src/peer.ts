// peer.ts — what may be asked of the peer, as functions: packs the request, reads the answer.
import {
  type ChangeAnswer,
  type EventRecord,
  type Refusal,
  RefusalError,
  type RevisionId,
  type RevisionRecord,
} from "@lbpair/common";
import { packBundle, unpackBundle } from "./core/bundle.js";
import type { NodeFacts } from "./core/conflict.js";
import { PeerFailureError } from "./core/peer-failure.js";
import { type ServiceFiles, toBundle } from "./core/service-files.js";
import { PROTOCOL_VERSION, type Verb } from "./core/verbs.js";
import { sha256 } from "./sha256.js";
import type { Remote } from "./ssh-remote.js";

/** Answers that need no disk come within this, or the peer is not well. */
const QUICK_MS_MAX = 5000;
const COMMIT_MS_MAX = 25_000;
/** A check run there: who asks over SSH may wait so long, whatever the check's timeout. */
export const CHECK_MS_MAX = 25_000;

export interface PeerPlan {
  /** What the bundle would change of what is in force there. */
  readonly changes: readonly ChangeAnswer[];
  /** What was edited by hand there and is not in force: from the saved file to what is in force. */
  readonly edits: readonly ChangeAnswer[];
  readonly modes: readonly ChangeAnswer[];
}

/** The outcome of comparing modes: the winner's file, which both now have. */
export interface ModesExchange {
  readonly winner: "same" | "asker" | "answerer";
  readonly text: string;
}

export interface Peer {
  hello(): Promise<NodeFacts>;
  plan(
    files: ServiceFiles,
    record: RevisionRecord,
    modes: string,
    judge: boolean,
  ): Promise<PeerPlan>;
  stage(files: ServiceFiles, record: RevisionRecord): Promise<void>;
  commit(id: RevisionId): Promise<readonly string[]>;
  abort(): Promise<void>;
  modes(text: string): Promise<ModesExchange>;
  /** An order of an operator, or modes that may go on. */
  modeRequest(request: object): Promise<unknown>;
  status(): Promise<unknown>;
  events(after: Readonly<Record<string, number>>): Promise<EventRecord[]>;
  transitions(limit: number): Promise<unknown>;
  restartHeartbeat(): Promise<unknown>;
  clearFlaps(): Promise<unknown>;
  /** The forwarder's own words, for the forwarder there. */
  pins(order: unknown): Promise<unknown>;
  /** The peer's own check of a server, or its recorded results; the forwarder there judges the order. */
  checks(verb: "health-check" | "what-if", order: unknown): Promise<unknown>;
  close(): void;
}

const isRevision = (raw: unknown): raw is RevisionId => {
  if (typeof raw !== "object" || raw === null) return false;
  const { serial, hash } = raw as Record<string, unknown>;
  return Number.isSafeInteger(serial) && typeof hash === "string" && hash.length <= 64;
};

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const notUnderstood = (what: string): PeerFailureError =>
  new PeerFailureError("not-understood", `the peer's answer to ${what} has another form than ours`);

function readFacts(raw: unknown): NodeFacts {
  const facts = (raw ?? {}) as Record<string, unknown>;
  const { designation, revision, intact, edited, modes, protocol } = facts;
  if (protocol !== PROTOCOL_VERSION) throw notUnderstood("hello");
  if (designation !== "primary" && designation !== "secondary") throw notUnderstood("hello");
  if (typeof intact !== "boolean" || typeof edited !== "boolean") throw notUnderstood("hello");
  if (!(revision === null || isRevision(revision)) || !isRevision(modes))
    throw notUnderstood("hello");
  return { designation, revision, intact, edited, modes };
}

export function createPeer(remote: Remote): Peer {
  const ask = async (
    verb: Verb,
    argument: unknown,
    body?: Uint8Array,
    timeoutMs = QUICK_MS_MAX,
  ): Promise<unknown> => {
    const frame = await remote.request(verb, argument, body, { timeoutMs });
    const header = (frame.header ?? {}) as { readonly ok?: unknown };
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(frame.body));
    } catch {
      throw notUnderstood(verb);
    }
    if (header.ok === true) return value;
    const refusal = value as Refusal;
    throw new RefusalError(409, refusal.error, refusal.problems ?? []);
  };
  const askWith = (
    verb: Verb,
    files: ServiceFiles,
    record: RevisionRecord,
    modes?: string,
    more: Readonly<Record<string, unknown>> = {},
  ) => {
    const bundle = toBundle(files, record);
    if (modes !== undefined) bundle.push({ name: "modes.yaml", mode: 0o644, text: modes });
    const { manifest, body } = packBundle(bundle, sha256);
    return ask(verb, { files: manifest, ...more }, body, COMMIT_MS_MAX);
  };
  return {
    hello: async () => readFacts(await ask("hello", { protocol: PROTOCOL_VERSION })),
    plan: async (files, record, modes, judge) =>
      (await askWith("plan", files, record, modes, { judge })) as PeerPlan,
    stage: async (files, record) => {
      await askWith("stage", files, record);
    },
    commit: async (id) => {
      const answer = (await ask("commit", { revision: id }, undefined, COMMIT_MS_MAX)) as {
        readonly steps?: readonly string[];
      };
      return answer.steps ?? [];
    },
    abort: async () => {
      await ask("abort", {});
    },
    async modes(text) {
      const { manifest, body } = packBundle([{ name: "modes.yaml", mode: 0o644, text }], sha256);
      const answer = (await ask(
        "modes",
        { files: manifest },
        body,
        COMMIT_MS_MAX,
      )) as ModesExchange;
      if (typeof answer.text !== "string") throw notUnderstood("modes");
      return answer;
    },
    modeRequest: (request) => ask("mode-request", {}, json(request), COMMIT_MS_MAX),
    status: () => ask("status", {}),
    events: async (after) => (await ask("events", { after })) as EventRecord[],
    transitions: (limit) => ask("transitions", { limit }),
    restartHeartbeat: () => ask("restart", { daemon: "heartbeat" }),
    clearFlaps: () => ask("clear-flaps", {}),
    pins: (order) => ask("pins", {}, json(order)),
    checks: (verb, order) => ask(verb, order, undefined, CHECK_MS_MAX),
    close: () => remote.close(),
  };
}

/** Reads the files of a request; the receiving half of `packBundle`. */
export const readBundle = (argument: unknown, body: Uint8Array) =>
  unpackBundle((argument as { files?: unknown } | null)?.files, body, sha256);
