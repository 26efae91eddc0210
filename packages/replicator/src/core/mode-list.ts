// mode-list.ts — the operators' modes as one list with an identity, and a change of one of them.
import {
  type ChangeAnswer,
  contentHash,
  type ModesConfig,
  modeOf,
  type RevisionId,
  type ServerMode,
} from "@lbpair/common";

const keyOf = (entry: { service: string; server: string }): string =>
  `${entry.service}/${entry.server}`;

/** Each server once, in name order: equal lists have equal texts. */
export function normalModes(modes: ModesConfig): ModesConfig {
  const byKey = new Map(modes.modes.map((entry) => [keyOf(entry), entry]));
  const sorted = [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  return { serial: modes.serial, modes: sorted.map(([, entry]) => entry) };
}

/** Serial and a hash of the list alone, so that the same list made twice is the same. */
export function modesId(modes: ModesConfig): RevisionId {
  const list = normalModes(modes).modes.map(({ service, server, mode }) => [service, server, mode]);
  return { serial: modes.serial, hash: contentHash(new Map([["modes", JSON.stringify(list)]])) };
}

/** The list with one server's mode changed and the serial above both nodes'. */
export function withMode(
  modes: ModesConfig,
  change: { readonly service: string; readonly server: string; readonly mode: ServerMode },
  serialAbove: number,
): ModesConfig {
  const { service, server, mode } = change;
  const others = modes.modes.filter((entry) => keyOf(entry) !== keyOf(change));
  const list = mode === "online" ? others : [...others, { service, server, mode }];
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
