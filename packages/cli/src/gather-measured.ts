// gather-measured.ts — what the daemons remember of past switches, where they can be asked quickly; and the worst cases.
import {
  type AppliancePaths,
  parseServices,
  readTextFile,
  type TimingRow,
  TRANSITIONS_ASKED_MAX,
  timingTable,
} from "@lbpair/common";
import type { Daemons } from "./daemons.js";
import { gatherTransitions } from "./gather-transitions.js";
import { type MeasuredSwitches, measuredSwitches } from "./view/measured-switches.js";

/** Nobody waits longer for figures that are an extra. */
const PEER_MS_MAX = 2000;

/** Empty where nobody can be asked: what needs them works without. */
export async function gatherMeasured(daemons: Daemons): Promise<MeasuredSwitches> {
  const { pairs } = await gatherTransitions(daemons, TRANSITIONS_ASKED_MAX, PEER_MS_MAX);
  return measuredSwitches(pairs);
}

/** The worst cases by the configuration in force; null where it cannot be read. */
export async function timingInForce(paths: AppliancePaths): Promise<readonly TimingRow[] | null> {
  try {
    const parsed = parseServices((await readTextFile(paths.runningServicesFile)) ?? "");
    if (!parsed.ok) return null;
    return timingTable(parsed.value.heartbeat, parsed.value.virtualServices);
  } catch {
    return null;
  }
}
