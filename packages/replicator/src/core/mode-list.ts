// mode-list.ts — the operators' modes as one list with an identity, and changes of some of them.
import {
  type ChangeAnswer,
  contentHash,
  type HeldEntry,
  type ModeEntry,
  type ModesConfig,
  modeOf,
  type RevisionId,
} from "@lbpair/common";
import type { ServerName } from "./mode-order.js";

const keyOf = (entry: ServerName): string => `${entry.service}/${entry.server}`;

/** What an operator said besides the mode, in one order; what was not said is left out. */
const memoryOf = ({ by, reason, since, until, haltWhenEmpty, haltAt }: ModeEntry): object =>
  JSON.parse(JSON.stringify({ by, reason, since, until, haltWhenEmpty, haltAt })) as object;

/** Each server once, in name order: equal lists have equal texts. */
export function normalModes(modes: ModesConfig): ModesConfig {
  const byKey = new Map(modes.modes.map((entry) => [keyOf(entry), entry]));
  const sorted = [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  const list = sorted.map(([, entry]): ModeEntry => {
    const { service, server, mode } = entry;
    return { service, server, mode, ...memoryOf(entry) };
  });
  const held = normalHeld(modes.held ?? []);
  return { serial: modes.serial, modes: list, ...(held.length === 0 ? {} : { held }) };
}

/** Each service once, in name order. */
function normalHeld(held: readonly HeldEntry[]): HeldEntry[] {
  const byService = new Map(held.map((entry) => [entry.service, entry]));
  return [...byService.values()]
    .sort((a, b) => (a.service < b.service ? -1 : 1))
    .map(({ service, since, reason }) => ({
      service,
      ...(since === undefined ? {} : { since }),
      ...(reason === undefined ? {} : { reason }),
    }));
}

/** Serial and a hash of the list alone, so that the same list made twice is the same. */
export function modesId(modes: ModesConfig): RevisionId {
  const { modes: entries, held } = normalModes(modes);
  const list: unknown[] = entries.map((entry) => {
    const { service, server, mode } = entry;
    const memory = memoryOf(entry);
    return [service, server, mode, ...(Object.keys(memory).length === 0 ? [] : [memory])];
  });
  if (held !== undefined) list.push({ held });
  return { serial: modes.serial, hash: contentHash(new Map([["modes", JSON.stringify(list)]])) };
}

/** What becomes of one server; `entry` null = it is online again. */
export interface ModeChange extends ServerName {
  readonly entry: ModeEntry | null;
}

/** The list with some servers' modes changed and the serial above both nodes'. */
export function withModes(
  modes: ModesConfig,
  changes: readonly ModeChange[],
  serialAbove: number,
): ModesConfig {
  const changed = new Set(changes.map(keyOf));
  const others = modes.modes.filter((entry) => !changed.has(keyOf(entry)));
  const list = [...others, ...changes.flatMap(({ entry }) => entry ?? [])];
  return normalModes({
    ...modes,
    serial: Math.max(modes.serial, serialAbove) + 1,
    modes: list,
  });
}

/** The list with other services held, and the serial above both nodes'. */
export const withHeld = (
  modes: ModesConfig,
  held: readonly HeldEntry[],
  serialAbove: number,
): ModesConfig =>
  normalModes({
    serial: Math.max(modes.serial, serialAbove) + 1,
    modes: modes.modes,
    held: [...held],
  });

function planHeld(was: ModesConfig, becomes: ModesConfig): ChangeAnswer[] {
  const [before, after] = [was, becomes].map(
    ({ held = [] }) => new Set(held.map(({ service }) => service)),
  );
  return [...new Set([...(before ?? []), ...(after ?? [])])].flatMap((service): ChangeAnswer[] => {
    const [old, next] = [before, after].map((one) => (one?.has(service) ? "held" : "not held"));
    if (old === next) return [];
    return [
      { path: `modes.held.${service}`, kind: "change", was: old ?? null, becomes: next ?? null },
    ];
  });
}

export function planModes(was: ModesConfig, becomes: ModesConfig): ChangeAnswer[] {
  const entries = new Map([...was.modes, ...becomes.modes].map((entry) => [keyOf(entry), entry]));
  const modes = [...entries.values()].flatMap(({ service, server }): ChangeAnswer[] => {
    const old = modeOf(was, service, server);
    const next = modeOf(becomes, service, server);
    if (old === next) return [];
    return [{ path: `modes.${service}.${server}`, kind: "change", was: old, becomes: next }];
  });
  return [...modes, ...planHeld(was, becomes)];
}
