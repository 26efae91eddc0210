// set-modes.ts — operators' orders, and what follows from them with time: executed by the primary while it can be reached.
import {
  type ModeAnswer,
  type ModesConfig,
  modeOf,
  ProblemsError,
  parseServices,
  RefusalError,
  type ServicesConfig,
  showValue,
} from "@lbpair/common";
import { type HoldRequest, heldAfter, holdChanges, readHoldRequest } from "./core/holds.js";
import { type CourseRequest, courseSteps, readCourse } from "./core/mode-course.js";
import { type ModeChange, modesId, withModes } from "./core/mode-list.js";
import {
  type ModeOrder,
  orderBody,
  orderedChanges,
  readModeOrder,
  type ServerName,
} from "./core/mode-order.js";
import { PeerFailureError } from "./core/peer-failure.js";
import { courseText, orderText } from "./mode-words.js";
import { formatModes } from "./modes-store.js";
import type { NodeState } from "./node-state.js";
import type { Replicator } from "./replicator.js";

/** Names told where one is wrong; the rest is counted. */
const NAMES_TOLD_MAX = 12;

const told = (names: readonly string[]): string => {
  const more = names.length > NAMES_TOLD_MAX ? ` and ${names.length - NAMES_TOLD_MAX} more` : "";
  return names.length === 0 ? "none" : `${names.slice(0, NAMES_TOLD_MAX).join(", ")}${more}`;
};

/** Refuses labels that are not in force, naming those that are. */
function mustExist(services: ServicesConfig, names: readonly ServerName[]): void {
  const known = new Map(
    services.virtualServices.map((one) => [one.label, one.realServers.map(({ label }) => label)]),
  );
  for (const { service, server } of names) {
    const servers = known.get(service);
    if (servers === undefined) {
      const want = told([...known.keys()]);
      throw new RefusalError(404, `service: want one of ${want}, got ${showValue(service)}`);
    }
    if (!servers.includes(server)) {
      throw new RefusalError(404, `server: want one of ${told(servers)}, got ${showValue(server)}`);
    }
  }
}

interface Note {
  readonly event: "mode-set" | "mode-went-on" | "service-held" | "service-released";
  /** One sentence of what has changed and why. */
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What the list becomes; nothing where `notes` is empty. */
interface Plan {
  readonly after: ModesConfig;
  readonly notes: readonly Note[];
}

interface Changed extends Plan {
  readonly before: ModesConfig;
}

/** Has to run in the node's queue. What the forwarder refuses is taken back. */
async function changeHere(
  node: NodeState,
  replicator: Replicator,
  plan: (before: ModesConfig, now: number, serialAbove: number) => Plan,
): Promise<Changed> {
  const before = await node.modes.read();
  const serialAbove = replicator.status().modes?.serial ?? 0;
  const { after, notes } = plan(before, node.clock.wall().getTime(), serialAbove);
  if (notes.length === 0) return { before, after: before, notes };
  await node.modes.write(after);
  const [forwarder] = await node.daemons.reload(["forwarder"]);
  if (forwarder?.kind === "refused") {
    // The serial goes on rising: the list that was is a new decision.
    await node.modes.write({ ...before, serial: after.serial + 1 });
    throw new RefusalError(422, `the forwarder refuses: ${forwarder.why}`, forwarder.problems);
  }
  for (const { event, text, facts } of notes) {
    node.events.record(event === "service-held" ? "warn" : "info", event, text, facts);
  }
  return { before, after, notes };
}

const noteOf = (
  { service, server, entry }: ModeChange,
  before: ModesConfig,
  event: Note["event"],
  text: string,
): Note => {
  const was = modeOf(before, service, server);
  return { event, text, facts: { ...(entry ?? { service, server, mode: "online" }), was } };
};

/** Tells the peer at once; one that is away gets the list when it is back. */
async function tellPeer(node: NodeState, replicator: Replicator): Promise<void> {
  const peer = replicator.peer();
  if (peer === undefined) return;
  try {
    const ours = await node.modes.read();
    const answer = await peer.modes(formatModes(ours));
    if (answer.winner === "answerer") {
      replicator.changed("the peer has newer modes");
      return;
    }
    await node.modes.agree(modesId(ours));
    const status = replicator.status();
    if (status.state !== "in-sync") return;
    const told = { revision: status.revision, modes: modesId(ours) };
    replicator.note({ kind: "compared", verdict: "same", reason: status.reason, peer: told });
  } catch (error) {
    replicator.waits("a changed mode");
    replicator.noteFailure(error);
  }
}

/** Asks the primary. Undefined where it cannot be reached: then this node decides. */
async function askPrimary(
  node: NodeState,
  replicator: Replicator,
  request: object,
): Promise<ModeAnswer | undefined> {
  const peer = replicator.peer();
  if (node.appliance().node.designation !== "secondary" || peer === undefined) return undefined;
  try {
    const answer = (await peer.modeRequest(request)) as ModeAnswer;
    // The primary told us its list before it answered; its view of "the peer" is us.
    return { ...answer, peer: replicator.answer() };
  } catch (error) {
    if (!(error instanceof PeerFailureError)) throw error;
    replicator.noteFailure(error);
    return undefined;
  }
}

const answerOf = (
  { before, after }: Changed,
  names: readonly ServerName[],
  replicator: Replicator,
): ModeAnswer => {
  const byId = ({ modes }: ModesConfig) =>
    new Map(modes.map((one) => [`${one.service}/${one.server}`, one]));
  const [present, becomes] = [byId(before), byId(after)];
  return {
    changes: names.map(({ service, server }) => {
      const id = `${service}/${server}`;
      const was = present.get(id)?.mode ?? "online";
      const entry = becomes.get(id);
      return { service, server, was, mode: entry?.mode ?? "online", until: entry?.until ?? null };
    }),
    peer: replicator.answer(),
  };
};

/** An end that has passed would set a mode and take it back at once. */
function mustLieAhead({ until }: ModeOrder, now: number): void {
  if (until !== undefined && until <= now) {
    throw new RefusalError(400, "until: want a point in time to come, got one that has passed");
  }
}

async function executeOrder(node: NodeState, replicator: Replicator, order: ModeOrder) {
  const changed = await node.queue(async () => {
    const { files } = await node.revisions.inForce();
    const services = parseServices(files.services);
    if (!services.ok) throw new ProblemsError(services.problems);
    mustExist(services.value, order.servers);
    return changeHere(node, replicator, (before, now, serialAbove) => {
      mustLieAhead(order, now);
      const changes = orderedChanges(order, before, now);
      return {
        after: withModes(before, changes, serialAbove),
        notes: changes.map((change) =>
          noteOf(change, before, "mode-set", orderText(change, before, order, now)),
        ),
      };
    });
  });
  await tellPeer(node, replicator);
  return answerOf(changed, order.servers, replicator);
}

async function executeCourse(
  node: NodeState,
  replicator: Replicator,
  requests: readonly CourseRequest[],
) {
  const changed = await node.queue(() =>
    changeHere(node, replicator, (before, now, serialAbove) => {
      const steps = courseSteps(requests, before, now);
      return {
        after: withModes(before, steps, serialAbove),
        notes: steps.map((step) => noteOf(step, before, "mode-went-on", courseText(step))),
      };
    }),
  );
  if (changed.notes.length > 0) await tellPeer(node, replicator);
  return answerOf(changed, requests, replicator);
}

/** An operator's order: in force on this node when it returns, and on the peer if that can be reached. */
export async function setModes(
  node: NodeState,
  replicator: Replicator,
  order: ModeOrder,
): Promise<ModeAnswer> {
  const asked = await askPrimary(node, replicator, orderBody(order));
  return asked ?? executeOrder(node, replicator, order);
}

/** Lets modes go on whose time, or whose last connection, has come. */
export async function continueModes(
  node: NodeState,
  replicator: Replicator,
  requests: readonly CourseRequest[],
): Promise<ModeAnswer> {
  const asked = await askPrimary(node, replicator, { course: requests });
  return asked ?? executeCourse(node, replicator, requests);
}

async function executeHold(node: NodeState, replicator: Replicator, request: HoldRequest) {
  const changed = await node.queue(() =>
    changeHere(node, replicator, (before, now, serialAbove) => {
      const changes = holdChanges(request, before, now);
      return {
        after: heldAfter(before, changes, serialAbove),
        notes: changes.map(({ service, entry, text }) => ({
          event: entry === null ? "service-released" : "service-held",
          text,
          facts: entry ?? { service },
        })),
      };
    }),
  );
  if (changed.notes.length > 0) await tellPeer(node, replicator);
  return answerOf(changed, [], replicator);
}

/** A forwarder's word that services are to stay on their fallback, or an operator's that they need not. */
export async function holdServices(
  node: NodeState,
  replicator: Replicator,
  request: HoldRequest | undefined,
): Promise<ModeAnswer> {
  if (request === undefined) throw new RefusalError(400, "want {hold: […]} or {release: […]}");
  const asked = await askPrimary(node, replicator, request);
  return asked ?? executeHold(node, replicator, request);
}

/** What the peer asks of the primary; it is never passed back. */
export async function executeForPeer(
  node: NodeState,
  replicator: Replicator,
  request: unknown,
): Promise<ModeAnswer> {
  const hold = readHoldRequest(request);
  if (hold !== undefined) return executeHold(node, replicator, hold);
  const course = readCourse(request);
  if (course !== undefined) return executeCourse(node, replicator, course);
  return executeOrder(node, replicator, readModeOrder(request));
}
