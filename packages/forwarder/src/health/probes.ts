// probes.ts — which check belongs to which type.
import type { Run } from "@lbpair/common";
import { connectProbe } from "./connect-probe.js";
import { httpProbe } from "./http-probe.js";
import { createPingProbe } from "./ping-probe.js";
import { type Probe, simpleProbe } from "./probe.js";

/** "on" and "off" are verdicts without checks; the timetable never holds them. */
const noProbe = simpleProbe(async ({ check }) => ({
  passed: check.type === "on",
  reason: `check type ${check.type}`,
}));

export function createProbe(run: Run, scriptProbe: Probe): Probe {
  const ping = createPingProbe(run);
  return (target, context) => {
    switch (target.check.type) {
      case "external":
        return scriptProbe(target, context);
      case "connect":
        return connectProbe(target, context);
      case "ping":
        return ping(target, context);
      case "http":
        return httpProbe(target, context);
      case "on":
      case "off":
        return noProbe(target, context);
      default:
        return target.check satisfies never;
    }
  };
}
