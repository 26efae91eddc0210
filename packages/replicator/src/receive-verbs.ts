// receive-verbs.ts — what this node does when its peer asks; every request is judged again here.
import {
  type ModesConfig,
  ProblemsError,
  parseModes,
  RefusalError,
  type RevisionId,
  TRANSITIONS_ASKED_MAX,
} from "@lbpair/common";
import { losesWork, modesWinner, type NodeFacts } from "./core/conflict.js";
import { modesId, planModes } from "./core/mode-list.js";
import { fromBundle } from "./core/service-files.js";
import { PROTOCOL_VERSION, type Verb } from "./core/verbs.js";
import { diffFiles } from "./diff-files.js";
import { readServiceFiles } from "./files-on-disk.js";
import { beginFollowing, follow } from "./follow.js";
import { judgeCandidate } from "./judge-candidate.js";
import { formatModes } from "./modes-store.js";
import { type NodeState, ownFacts } from "./node-state.js";
import { type ModesExchange, type PeerPlan, readBundle } from "./peer.js";
import { putInForce } from "./put-in-force.js";
import type { ReceiveHandler } from "./receive-socket.js";

export interface ReceiveHooks {
  /** The peer is there and asked something. */
  readonly heard: () => void;
  /** A revision of the primary came into force here, so it is in force on both. */
  readonly followed: (facts: NodeFacts) => void;
  /** Sets modes on behalf of the peer. */
  readonly setModes: (request: unknown) => Promise<unknown>;
  readonly ownStatus: () => Promise<unknown>;
}

/** Words of people who look, which say nothing of the peer's own replication. */
const READING: ReadonlySet<Verb> = new Set([
  "status",
  "events",
  "transitions",
  "restart",
  "clear-flaps",
  "health-check",
  "what-if",
]);

const refuse = (error: string): never => {
  throw new RefusalError(409, error);
};

function mustBeSecondary(node: NodeState): void {
  if (node.appliance().node.designation === "secondary") return;
  refuse("this node is the primary: service configuration goes from the primary to the secondary");
}

function readRevisionFiles(argument: unknown, body: Uint8Array) {
  const bundle = readBundle(argument, body);
  if (!bundle.ok) throw new ProblemsError(bundle.problems);
  const revision = fromBundle(bundle.files);
  if (!revision.ok) throw new ProblemsError(revision.problems);
  const modes = bundle.files.find((file) => file.name === "modes.yaml")?.text;
  return { ...revision, modes };
}

function readModesText(text: string): ModesConfig {
  const parsed = parseModes(text, "modes.yaml");
  if (!parsed.ok) throw new ProblemsError(parsed.problems);
  return parsed.value;
}

function readId(argument: unknown): RevisionId {
  const raw = (argument as { revision?: Partial<RevisionId> } | null)?.revision;
  const { serial, hash } = raw ?? {};
  if (!Number.isSafeInteger(serial) || typeof hash !== "string" || !/^[0-9a-f]{16}$/.test(hash)) {
    return refuse("argument.revision: want a serial and a hash of 16 hex digits");
  }
  return { serial: Number(serial), hash };
}

const full = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "");

async function stage(node: NodeState, argument: unknown, body: Uint8Array): Promise<unknown> {
  mustBeSecondary(node);
  const { files, record } = readRevisionFiles(argument, body);
  const inForce = await node.revisions.inForce();
  if (inForce.record !== null && inForce.record.serial > record.serial) {
    return refuse(
      `revision ${inForce.record.serial} is in force here, newer than ${record.serial}`,
    );
  }
  const judged = await judgeCandidate(files, inForce.files, {
    run: node.run,
    appliance: node.appliance(),
  });
  if (!judged.ok) throw new ProblemsError(judged.problems);
  try {
    await node.revisions.stage(files, record);
  } catch (error) {
    if (!full(error)) throw error;
    const why = `no room for revision ${record.serial} (${(error as NodeJS.ErrnoException).code}); revision ${inForce.record?.serial ?? "none"} stays in force`;
    node.events.record("alarm", "disk-full", why, { serial: record.serial });
    return refuse(why);
  }
  return { staged: { serial: record.serial, hash: record.hash } };
}

async function commit(node: NodeState, argument: unknown): Promise<unknown> {
  mustBeSecondary(node);
  const id = readId(argument);
  if (!(await node.revisions.isStaged(id))) {
    return refuse(`revision ${id.serial} is not staged here`);
  }
  await beginFollowing(node, id.serial);
  const { steps } = await putInForce(node, id);
  const kept = await follow(node).catch((error: unknown) => {
    // In force it is; only the editable copy is behind, which shows as an edit and is repaired.
    const why = error instanceof Error ? error.message : String(error);
    node.events.record("warn", "candidate-behind", `the saved files could not be replaced: ${why}`);
    return [`the saved files could not be replaced: ${why}`];
  });
  const text = `revision ${id.serial} of the primary is in force here`;
  node.events.record("info", "revision-received", text, { serial: id.serial, hash: id.hash });
  return { steps: [...steps, ...kept] };
}

async function plan(node: NodeState, argument: unknown, body: Uint8Array): Promise<PeerPlan> {
  const { files, modes } = readRevisionFiles(argument, body);
  const inForce = await node.revisions.inForce();
  const appliance = node.appliance();
  if ((argument as { judge?: unknown }).judge === true) {
    const judged = await judgeCandidate(files, inForce.files, { run: node.run, appliance });
    if (!judged.ok) throw new ProblemsError(judged.problems);
  }
  const candidate = await readServiceFiles(node.paths.etc);
  const own = await node.modes.read();
  return {
    changes: diffFiles(inForce.files, files),
    edits: candidate.ok ? diffFiles(candidate.value, inForce.files) : [],
    modes: modes === undefined ? [] : planModes(own, readModesText(modes)),
  };
}

/** Compares the peer's list with ours; the loser's is kept beside, the winner's is in force on both. */
async function modes(node: NodeState, argument: unknown, body: Uint8Array): Promise<ModesExchange> {
  const bundle = readBundle(argument, body);
  if (!bundle.ok) throw new ProblemsError(bundle.problems);
  const text = bundle.files.find((file) => file.name === "modes.yaml")?.text;
  if (text === undefined) return refuse("files: want modes.yaml");
  const theirs = readModesText(text);
  const ours = await node.modes.read();
  const designation = node.appliance().node.designation;
  const winner = modesWinner(modesId(ours), modesId(theirs), designation);
  if (winner === "peer") await adoptModes(node, theirs, ours);
  else await node.modes.agree(modesId(ours));
  const names = { same: "same", here: "answerer", peer: "asker" } as const;
  return { winner: names[winner], text: formatModes(winner === "peer" ? theirs : ours) };
}

/** Puts a list of modes in force that won over ours. */
export async function adoptModes(
  node: NodeState,
  winner: ModesConfig,
  loser: ModesConfig,
): Promise<void> {
  const [won, lost] = [modesId(winner), modesId(loser)];
  if (losesWork(lost, won, await node.modes.agreed())) {
    const kept = await node.modes.keep(lost.serial);
    const text = `modes set here while the nodes were apart lost to the other node's; kept as ${kept}`;
    node.events.record("warn", "modes-kept", text, { serial: lost.serial });
  }
  await node.modes.write(winner);
  await node.modes.agree(won);
  await node.daemons.reload(["forwarder"]);
  for (const change of planModes(loser, winner)) {
    const text = `${change.path.slice("modes.".length)}: ${change.becomes} (was ${change.was}), set on the other node`;
    node.events.record("info", "mode-set", text, { ...change });
  }
}

/** Of the records of transitions, how many are asked for; what is no number asks for one. */
export function readLimit(argument: unknown): number {
  const limit = Number((argument as { limit?: unknown } | null)?.limit);
  return Number.isInteger(limit) ? Math.min(Math.max(limit, 1), TRANSITIONS_ASKED_MAX) : 1;
}

/** The only daemon that the peer may restart: both heartbeats are to speak the same version soon. */
async function restartHeartbeat(node: NodeState, argument: unknown): Promise<unknown> {
  const daemon = (argument as { daemon?: unknown } | null)?.daemon;
  if (daemon !== "heartbeat") return refuse("restart: want the heartbeat, and nothing else");
  const answer = await node.daemons.restartHeartbeat();
  node.events.record("info", "restart-asked", "the other node restarts the heartbeat here", {});
  return answer;
}

/** Not JSON is refused here; what it says is judged by whom it is for. */
function readJson(what: string, body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return refuse(`${what}: want JSON`);
  }
}

const pins = async (node: NodeState, body: Uint8Array): Promise<unknown> =>
  node.daemons.pins(readJson("pins", body));

/** An order for many servers is a body; an earlier release has one server's in the argument. */
const modeRequest = async (argument: unknown, body: Uint8Array): Promise<unknown> =>
  body.length === 0 ? argument : readJson("mode-request", body);

export function createReceiveHandler(node: NodeState, hooks: ReceiveHooks): ReceiveHandler {
  return (verb, argument, body) => {
    if (!READING.has(verb)) hooks.heard();
    switch (verb) {
      case "hello":
        return ownFacts(node).then((facts) => ({ protocol: PROTOCOL_VERSION, ...facts }));
      case "plan":
        return plan(node, argument, body);
      case "stage":
        return node.queue(() => stage(node, argument, body));
      case "commit":
        return node.queue(async () => {
          const answer = await commit(node, argument);
          hooks.followed(await ownFacts(node));
          return answer;
        });
      case "abort":
        return node.queue(() => node.revisions.unstage());
      case "modes":
        return node.queue(() => modes(node, argument, body));
      case "mode-request":
        if (node.appliance().node.designation !== "primary") {
          return Promise.reject(new RefusalError(409, "modes are executed by the primary"));
        }
        return modeRequest(argument, body).then(hooks.setModes);
      case "status":
        return Promise.all([node.daemons.status(), hooks.ownStatus()]).then(
          ([others, replicator]) => ({ ...others, replicator }),
        );
      case "events": {
        const after = ((argument as { after?: unknown } | null)?.after ?? {}) as Record<
          string,
          number
        >;
        return node.daemons
          .events(after)
          .then((others) => [...others, ...node.events.after(Number(after.replicator) || 0)]);
      }
      case "transitions":
        return node.daemons.transitions(readLimit(argument));
      case "restart":
        return restartHeartbeat(node, argument);
      case "clear-flaps":
        return node.daemons.clearFlaps();
      case "pins":
        return pins(node, body);
      case "health-check":
      case "what-if":
        return node.daemons.checks(verb, argument);
      default:
        return verb satisfies never;
    }
  };
}
