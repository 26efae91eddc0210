// reload-news.ts — what a person should hear of a configuration that has come into force.
import type { EventLog, Running } from "@lbpair/common";

export function tellReloaded(
  event: EventLog["record"],
  changed: number,
  was: Running["appliance"],
  now: Running,
): void {
  const { kernel, checks } = now.appliance;
  if (kernel.markMask !== was.kernel.markMask || checks.user !== was.checks.user) {
    const text = "kernel.markMask and checks.user take effect when the forwarder is restarted";
    event("warn", "restart-needed", text);
  }
  if (changed === 0) return;
  const facts = { elements: changed, revision: now.revision };
  event("info", "configuration-in-force", "a new configuration is in force", facts);
}
