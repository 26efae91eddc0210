// mode-keeper.ts — wiring: looks each second whether an operator's mode has come to its end, or its halt.
import { stat } from "node:fs/promises";
import type { Log, ModeEntry, ModesConfig } from "@lbpair/common";
import { type CourseRequest, dueStep, hasCourse } from "./core/mode-course.js";
import type { NodeState } from "./node-state.js";
import type { Replicator } from "./replicator.js";
import { continueModes } from "./set-modes.js";

const EVERY_MS = 1000;
/** The primary executes what is due; a secondary asks so much later, in case it does not. */
const SECONDARY_GRACE_MS = 3000;
/** Looks in a row that must find no open connection: one that begins is in neither state for a moment. */
const EMPTY_LOOKS = 2;
/** Pause after a step that was refused. */
const REFUSED_MS = 10_000;

export interface ModeKeeper {
  stop(): void;
}

const idOf = ({ service, server }: ModeEntry): string => `${service}/${server}`;

/** The list with courses, read anew only where the file was replaced. */
function createReader(node: NodeState): () => Promise<readonly ModeEntry[]> {
  let known = "";
  let entries: readonly ModeEntry[] = [];
  return async () => {
    const found = await stat(node.paths.modesFile).catch(() => undefined);
    const now = `${found?.ino} ${found?.mtimeMs} ${found?.size}`;
    if (now === known) return entries;
    const modes: ModesConfig = await node.modes.read();
    known = now;
    entries = modes.modes.filter(hasCourse);
    return entries;
  };
}

/** Counts in how many looks in a row the active node had no open connection of a draining server. */
function createEmptyWatch(node: NodeState) {
  let looks = new Map<string, number>();
  return async (entries: readonly ModeEntry[]): Promise<(entry: ModeEntry) => boolean> => {
    const ids = entries
      .filter(({ mode, haltWhenEmpty }) => mode === "drain" && haltWhenEmpty === true)
      .map(idOf);
    const answer = ids.length === 0 ? undefined : await node.daemons.open(ids);
    // A passive node has no connections of its own to count.
    const open = answer?.condition === "active" ? answer.open : {};
    looks = new Map(
      ids.flatMap((id) => (open[id] === 0 ? [[id, (looks.get(id) ?? 0) + 1] as const] : [])),
    );
    return (entry) => (looks.get(idOf(entry)) ?? 0) >= EMPTY_LOOKS;
  };
}

export function keepModes(node: NodeState, replicator: Replicator, log: Log): ModeKeeper {
  const read = createReader(node);
  const watchEmpty = createEmptyWatch(node);
  let looking = false;
  let notBefore = 0;

  const look = async (): Promise<void> => {
    const entries = await read();
    if (entries.length === 0) return;
    const isEmpty = await watchEmpty(entries);
    const secondary = node.appliance().node.designation === "secondary";
    const at = node.clock.wall().getTime() - (secondary ? SECONDARY_GRACE_MS : 0);
    const requests = entries.flatMap((entry): CourseRequest[] => {
      const empty = isEmpty(entry);
      const { service, server, since = null } = entry;
      return dueStep(entry, at, empty) === undefined ? [] : [{ service, server, since, empty }];
    });
    if (requests.length > 0) await continueModes(node, replicator, requests);
  };

  const timer = setInterval(() => {
    if (looking || node.clock.now() < notBefore) return;
    looking = true;
    look()
      .catch((error: unknown) => {
        notBefore = node.clock.now() + REFUSED_MS;
        log.warn({ error: String(error) }, "a mode that is due could not go on; trying again");
      })
      .finally(() => {
        looking = false;
      });
  }, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
