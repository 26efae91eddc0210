// routers.ts — the next hops of this node's routes, asked of `ip`.
import { mustRun, normalAddress, type Run } from "@lbpair/common/light";
import type { Router } from "../core/link-neighbours.js";
import type { IpSession } from "./ip-session.js";

const IP_TIMEOUT_MS = 3000;
/** Next hops; a node with a full routing table has few of them all the same. */
const ROUTERS_MOST = 64;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** `ip -j route` as next hops, each once; what it does not understand is left out. */
export function parseRouters(json: string): Router[] {
  const routes: unknown = JSON.parse(json === "" ? "[]" : json);
  if (!Array.isArray(routes)) return [];
  const hops = routes
    .filter(isRecord)
    .flatMap((route) => [route, ...(Array.isArray(route.nexthops) ? route.nexthops : [])])
    .filter(isRecord);
  const found = new Map<string, Router>();
  for (const { gateway, dev } of hops) {
    const address = typeof gateway === "string" ? normalAddress(gateway) : undefined;
    if (address === undefined || typeof dev !== "string" || found.size >= ROUTERS_MOST) continue;
    found.set(`${dev} ${address}`, { link: dev, address });
  }
  return [...found.values()];
}

/**
 * Next hops of both families. A `session` is asked where there is one, of every table: what is asked each
 * minute must not fork. Throws CommandError where `ip` fails.
 */
export async function readRouters(run: Run, session?: IpSession): Promise<Router[]> {
  const said = (await session?.list("route show table all")) ?? "no-answer";
  if (said !== "no-answer") return parseRouters(said);
  const of = async (family: "-4" | "-6"): Promise<Router[]> => {
    const argv = ["ip", family, "-j", "route", "show"];
    return parseRouters((await mustRun(run, argv, { timeoutMs: IP_TIMEOUT_MS })).stdout);
  };
  return [...(await of("-4")), ...(await of("-6"))];
}
