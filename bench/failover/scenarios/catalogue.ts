// catalogue.ts — every scenario, in the order in which one product suffers them.
import { floor } from "./floor.js";
import { crowd, planned } from "./planned.js";
import { pull } from "./pull.js";
import type { Scenario } from "./scenario.js";
import { split } from "./split.js";
import { standstills } from "./standstill.js";
import { quota, sharedQuota, starve } from "./starve.js";

export const SCENARIOS: readonly Scenario[] = [
  floor,
  pull,
  ...standstills,
  planned,
  crowd,
  split,
  starve,
  quota,
  sharedQuota,
];
