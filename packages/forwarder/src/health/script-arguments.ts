// script-arguments.ts — what an external check script is told: the convention existing scripts know.
import { formatPortRange, listPorts, type PortRange } from "@lbpair/common";
import { portOf, serverPorts } from "./question.js";
import type { CheckTarget } from "./types.js";

/** Longer lists are passed as ranges: one argument of a command has room for 128 KiB. */
export const LISTED_PORTS_MAX = 4096;

export type LastResult = "passed" | "failed" | "none";

const portCount = (ranges: readonly PortRange[]): number =>
  ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0);

/** `12000 12100 12300 12301`: every port of the service, separated by spaces. */
export function portWords(ranges: readonly PortRange[]): string {
  if (portCount(ranges) > LISTED_PORTS_MAX) return ranges.map(formatPortRange).join(" ");
  return listPorts(ranges).join(" ");
}

/**
 * `$1` virtual IP, `$2` its ports, `$3` real server's IP, `$4` its port; 0 = the same as `$2`.
 * Scripts written for other load balancers know 0 and the empty word; both reach all of them.
 */
export const scriptArguments = (target: CheckTarget): string[] => [
  target.vip,
  portWords(target.vports),
  target.address,
  `${portOf(target)}`,
];

/** The same facts by name, and what the four arguments have no room for. */
export function scriptEnvironment(
  target: CheckTarget,
  facts: { readonly timeoutMs: number; readonly attempt: number; readonly lastResult: LastResult },
): Record<string, string> {
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/",
    LANG: "C.UTF-8",
    LB_VIP: target.vip,
    LB_VPORTS: portWords(target.vports),
    LB_RIP: target.address,
    LB_RPORTS: portWords(serverPorts(target)),
    LB_VIP_NAME: target.service,
    LB_RIP_NAME: target.server,
    LB_CHECK_TIMEOUT_MS: `${facts.timeoutMs}`,
    LB_ATTEMPT: `${facts.attempt}`,
    LB_LAST_RESULT: facts.lastResult,
  };
}
