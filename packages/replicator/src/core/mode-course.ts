// mode-course.ts — how an operator's mode goes on by itself: a drain that ends in a halt, and the end of both.
//
//   mode    what is reached                            becomes
//   either  until                                      online
//   drain   haltAt                                     halt
//   drain   no connection open, with haltWhenEmpty     halt
// Times are wall time, which is what operators mean; the node that executes orders decides by its own.
import { formatMoment, type ModeEntry, type ModesConfig, parseMoment } from "@lbpair/common";
import type { ModeChange } from "./mode-list.js";
import type { ServerName } from "./mode-order.js";

/** What a node asks the one that executes orders: is this entry to go on? */
export interface CourseRequest extends ServerName {
  /** Which word is meant: one that was set since is not touched. */
  readonly since: string | null;
  /** Whether the active node has seen no open connection of it. */
  readonly empty: boolean;
}

export interface CourseStep extends ModeChange {
  readonly was: ModeEntry;
  /** One half sentence. */
  readonly because: string;
}

/** Whether a mode goes on by itself at all. */
export const hasCourse = ({ until, haltAt, haltWhenEmpty }: ModeEntry): boolean =>
  until !== undefined || haltAt !== undefined || haltWhenEmpty === true;

const reached = (moment: string | undefined, now: number): boolean =>
  moment !== undefined && (parseMoment(moment) ?? Number.POSITIVE_INFINITY) <= now;

/** The halt that follows a drain keeps its author, its words and its end. */
function haltAfter(entry: ModeEntry, since: string, because: string): CourseStep {
  const { haltWhenEmpty: _, haltAt: __, ...kept } = entry;
  const { service, server } = entry;
  const halt: ModeEntry = { ...kept, mode: "halt", since };
  return { service, server, was: entry, entry: halt, because };
}

/** The step that is due at `now`; undefined where none is. */
export function dueStep(entry: ModeEntry, now: number, empty: boolean): CourseStep | undefined {
  const { service, server, mode, until, haltAt, haltWhenEmpty } = entry;
  if (reached(until, now)) {
    return { service, server, was: entry, entry: null, because: `it was set until ${until}` };
  }
  if (mode !== "drain") return undefined;
  // The moment written down, not now: both nodes, apart, come to the same list.
  if (haltAt !== undefined && reached(haltAt, now)) {
    return haltAfter(entry, haltAt, `it was to be halted by ${haltAt}`);
  }
  if (haltWhenEmpty === true && empty) {
    return haltAfter(entry, formatMoment(now), "its last connection has ended");
  }
  return undefined;
}

/** Of what is asked, the steps that are due by this node's own clock and list. */
export function courseSteps(
  requests: readonly CourseRequest[],
  before: ModesConfig,
  now: number,
): CourseStep[] {
  const present = new Map(before.modes.map((entry) => [`${entry.service}/${entry.server}`, entry]));
  return requests.flatMap(({ service, server, since, empty }) => {
    const entry = present.get(`${service}/${server}`);
    if (entry === undefined || (entry.since ?? null) !== since) return [];
    return dueStep(entry, now, empty) ?? [];
  });
}

/** Requests of another node; undefined where they are none. */
export function readCourse(body: unknown): CourseRequest[] | undefined {
  const { course } = (body ?? {}) as { readonly course?: unknown };
  if (!Array.isArray(course)) return undefined;
  return course.flatMap((raw: unknown): CourseRequest[] => {
    const { service, server, since, empty } = (raw ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof service !== "string" || typeof server !== "string") return [];
    return [
      { service, server, since: typeof since === "string" ? since : null, empty: empty === true },
    ];
  });
}
