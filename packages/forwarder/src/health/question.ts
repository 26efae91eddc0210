// question.ts — what a check asks of which server, and whether two ask the same.
import { addressBytes, familyOf, formatPortRange, type PortRange } from "@lbpair/common";
import { sameValue } from "../same-value.js";
import type { CheckTarget } from "./types.js";

/** The port on the server; 0 = the one the client used. */
export const portOf = (target: CheckTarget): number => target.port ?? 0;

/** The ports that have to answer on the server. */
export function serverPorts(target: CheckTarget): readonly PortRange[] {
  const port = portOf(target);
  return port === 0 ? target.vports : [{ first: port, last: port }];
}

/** The one port that a check asks: its own, the server's, or the service's first. */
export const askedPort = (target: CheckTarget, port: number | undefined): number =>
  port ?? serverPorts(target)[0]?.first ?? 0;

/**
 * What two targets have in common when one answer serves both: the same server, asked the same in the
 * same rhythm. How each counts the answers is its own. A script is told of which service it speaks.
 */
export function questionKey(target: CheckTarget): string {
  const { check, address } = target;
  switch (check.type) {
    case "external":
    case "on":
    case "off":
      return JSON.stringify(target);
    default: {
      const { failures: _, successes: __, ...asked } = check;
      const ports =
        check.type === "ping"
          ? ""
          : check.type === "connect"
            ? serverPorts(target).map(formatPortRange)
            : askedPort(target, check.port);
      return JSON.stringify([address, ports, asked]);
    }
  }
}

/** Whether two targets are the same server, whatever it is asked. */
export const sameServer = (
  a: Pick<CheckTarget, "address" | "port">,
  b: Pick<CheckTarget, "address" | "port">,
): boolean => a.address === b.address && (a.port ?? 0) === (b.port ?? 0);

/** Whether two targets ask the same question of the same server. */
export const sameQuestion = (a: CheckTarget, b: CheckTarget): boolean => sameValue(a, b);

/** How many leading bits two addresses of one family share. */
function sharedBits(a: string, b: string): number {
  const other = addressBytes(b);
  let bits = 0;
  for (const [i, byte] of addressBytes(a).entries()) {
    const differs = byte ^ (other[i] ?? 0);
    if (differs !== 0) return bits + Math.clz32(differs) - 24;
    bits += 8;
  }
  return bits;
}

/** Of the own addresses that checks may come from, the nearest to the server; undefined = the kernel's choice. */
export function sourceFor(sources: readonly string[], server: string): string | undefined {
  const family = familyOf(server);
  let nearest: string | undefined;
  for (const source of sources) {
    if (familyOf(source) !== family) continue;
    if (nearest === undefined || sharedBits(source, server) > sharedBits(nearest, server)) {
      nearest = source;
    }
  }
  return nearest;
}
