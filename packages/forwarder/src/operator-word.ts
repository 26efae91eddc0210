// operator-word.ts — what an operator said with a server's mode, for status, and how far a drain has come.
import {
  type ModeEntry,
  type ModesConfig,
  type OperatorWord,
  parseMoment,
  type ServiceStatus,
} from "@lbpair/common";

const until = (moment: string | undefined, wallMs: number): number | null => {
  const at = moment === undefined ? undefined : parseMoment(moment);
  return at === undefined ? null : at - wallMs;
};

const ageOf = (since: string | undefined, wallMs: number): number | null => {
  const left = until(since, wallMs);
  return left === null ? null : Math.max(0, -left);
};

/** By this node's wall clock, which people compare it with. */
export function operatorWord(
  entry: ModeEntry,
  wallMs: number,
  openAtFirst: number | null,
): OperatorWord {
  return {
    by: entry.by ?? null,
    reason: entry.reason ?? null,
    sinceAgeMs: ageOf(entry.since, wallMs),
    endsInMs: until(entry.until, wallMs),
    haltWhenEmpty: entry.haltWhenEmpty === true,
    haltInMs: until(entry.haltAt, wallMs),
    openAtFirst,
  };
}

/**
 * How many connections each draining server had when it was first looked at since: what is left of
 * them is the drain's progress. A node that takes over begins with what it finds.
 */
export class DrainBook {
  readonly #first = new Map<string, { readonly since: string; readonly open: number }>();

  note(entries: ReadonlyMap<string, ModeEntry>, openOf: (id: string) => number): void {
    for (const id of this.#first.keys())
      if (entries.get(id)?.mode !== "drain") this.#first.delete(id);
    for (const [id, { mode, since = "" }] of entries) {
      if (mode !== "drain") continue;
      const open = openOf(id);
      const first = this.#first.get(id);
      // More than at first: the look came before connections that were just beginning.
      if (first?.since !== since || first.open < open) this.#first.set(id, { since, open });
    }
  }

  openAtFirst(id: string): number | null {
    return this.#first.get(id)?.open ?? null;
  }
}

/** Adds what operators said to servers that are not online, and to services that are held. */
export function withOperatorWords(
  services: readonly ServiceStatus[],
  { modes, held = [] }: ModesConfig,
  drains: DrainBook,
  wallMs: number,
): ServiceStatus[] {
  const byId = new Map(modes.map((entry) => [`${entry.service}/${entry.server}`, entry]));
  const open = new Map(
    services.flatMap(({ servers }) => servers.map((one) => [one.id, one.openConnections] as const)),
  );
  drains.note(byId, (id) => open.get(id) ?? 0);
  const heldByLabel = new Map(held.map((entry) => [entry.service, entry]));
  return services.map((service) => ({
    ...service,
    hold: service.held
      ? {
          reason: heldByLabel.get(service.label)?.reason ?? null,
          sinceAgeMs: ageOf(heldByLabel.get(service.label)?.since, wallMs),
        }
      : null,
    servers: service.servers.map((server) => {
      const entry = byId.get(server.id);
      if (entry === undefined) return server;
      const operator = operatorWord(entry, wallMs, drains.openAtFirst(server.id));
      return { ...server, operator };
    }),
  }));
}
