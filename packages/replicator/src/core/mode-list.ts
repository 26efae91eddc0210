// mode-list.ts — the operators' modes as one list with an identity, and changes of some of them.
import {
  type ChangeAnswer,
  contentHash,
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
  return { serial: modes.serial, modes: list };
}

/** Serial and a hash of the list alone, so that the same list made twice is the same. */
export function modesId(modes: ModesConfig): RevisionId {
  const list = normalModes(modes).modes.map((entry) => {
    const { service, server, mode } = entry;
    const memory = memoryOf(entry);
    return [service, server, mode, ...(Object.keys(memory).length === 0 ? [] : [memory])];
  });
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
  return normalModes({ serial: Math.max(modes.serial, serialAbove) + 1, modes: list });
}

export function planModes(was: ModesConfig, becomes: ModesConfig): ChangeAnswer[] {
  const entries = new Map([...was.modes, ...becomes.modes].map((entry) => [keyOf(entry), entry]));
  return [...entries.values()].flatMap(({ service, server }): ChangeAnswer[] => {
    const old = modeOf(was, service, server);
    const next = modeOf(becomes, service, server);
    if (old === next) return [];
    return [{ path: `modes.${service}.${server}`, kind: "change", was: old, becomes: next }];
  });
}
