// mode-words.ts — what is told of a changed mode: one sentence with who, until when and why.
import {
  describeDuration,
  type ModeEntry,
  type ModesConfig,
  modeOf,
  parseMoment,
} from "@lbpair/common";
import type { CourseStep } from "./core/mode-course.js";
import type { ModeChange } from "./core/mode-list.js";
import type { ModeOrder } from "./core/mode-order.js";

/** " for 2 h", " until …": how the word ends, and what follows a drain. */
function courseWords({ until, haltAt, haltWhenEmpty }: ModeEntry, now: number): string {
  const left = (moment: string): string => describeDuration((parseMoment(moment) ?? now) - now);
  const halts = [
    ...(haltWhenEmpty === true ? ["once empty"] : []),
    ...(haltAt === undefined ? [] : [`after ${left(haltAt)}`]),
  ];
  return [
    ...(halts.length === 0 ? [] : [`, halted ${halts.join(" or ")}`]),
    ...(until === undefined ? [] : [`, online again in ${left(until)} (${until})`]),
  ].join("");
}

/** "VNA/PrimaryCluster: halt (was online) by anna, online again in 2 h (…): new firmware" */
export function orderText(
  { service, server, entry }: ModeChange,
  before: ModesConfig,
  { by, reason }: ModeOrder,
  now: number,
): string {
  const was = modeOf(before, service, server);
  const who = by === undefined ? "" : ` by ${by}`;
  const why = reason === undefined ? "" : `: ${reason}`;
  const course = entry === null ? "" : courseWords(entry, now);
  return `${service}/${server}: ${entry?.mode ?? "online"} (was ${was})${who}${course}${why}`;
}

/** "VNA/PrimaryCluster: online again (was halt by anna): it was set until …" */
export function courseText({ service, server, entry, was, because }: CourseStep): string {
  const who = was.by === undefined ? "" : ` by ${was.by}`;
  const becomes = entry === null ? "online again" : `${entry.mode} now`;
  return `${service}/${server}: ${becomes} (was ${was.mode}${who}): ${because}`;
}
