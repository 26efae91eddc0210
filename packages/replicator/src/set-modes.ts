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

interface Change extends ModeChange {
  /** One sentence of what has changed and why. */
  readonly text: string;
  readonly event: "mode-set" | "mode-went-on";
}

interface Changed {
  readonly before: ModesConfig;
  readonly changes: readonly Change[];
}

/** Has to run in the node's queue. What the forwarder refuses is taken back. */
async function changeHere(
  node: NodeState,
  replicator: Replicator,
  plan: (before: ModesConfig, now: number) => readonly Change[],
): Promise<Changed> {
  const before = await node.modes.read();
  const changes = plan(before, node.clock.wall().getTime());
  if (changes.length === 0) return { before, changes };
  const after = withModes(before, changes, replicator.status().modes?.serial ?? 0);
  await node.modes.write(after);
  const [forwarder] = await node.daemons.reload(["forwarder"]);
  if (forwarder?.kind === "refused") {
    // The serial goes on rising: the list that was is a new decision.
    await node.modes.write({ ...before, serial: after.serial + 1 });
    throw new RefusalError(422, `the forwarder refuses: ${forwarder.why}`, forwarder.problems);
  }
  for (const { service, server, entry, text, event } of changes) {
    const was = modeOf(before, service, server);
    node.events.record("info", event, text, {
      ...(entry ?? { service, server, mode: "online" }),
      was,
    });
  }
  return { before, changes };
}

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
  { before, changes }: Changed,
  names: readonly ServerName[],
  replicator: Replicator,
): ModeAnswer => {
  const becomes = new Map(changes.map((one) => [`${one.service}/${one.server}`, one.entry]));
  const present = new Map(before.modes.map((one) => [`${one.service}/${one.server}`, one]));
  return {
    changes: names.map(({ service, server }) => {
      const id = `${service}/${server}`;
      const was = present.get(id)?.mode ?? "online";
      const entry = becomes.has(id) ? becomes.get(id) : present.get(id);
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
    return changeHere(node, replicator, (before, now) => {
      mustLieAhead(order, now);
      return orderedChanges(order, before, now).map((change) => ({
        ...change,
        event: "mode-set",
        text: orderText(change, before, order, now),
      }));
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
    changeHere(node, replicator, (before, now) =>
      courseSteps(requests, before, now).map((step) => ({
        ...step,
        event: "mode-went-on",
        text: courseText(step),
      })),
    ),
  );
  if (changed.changes.length > 0) await tellPeer(node, replicator);
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

/** What the peer asks of the primary; it is never passed back. */
export function executeForPeer(
  node: NodeState,
  replicator: Replicator,
  request: unknown,
): Promise<ModeAnswer> {
  const course = readCourse(request);
  if (course !== undefined) return executeCourse(node, replicator, course);
  return executeOrder(node, replicator, readModeOrder(request));
}
