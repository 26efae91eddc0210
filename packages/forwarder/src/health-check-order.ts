// health-check-order.ts — whose checks are to be run once, as the command line asks it.
import { type CheckTrial, type Problem, RefusalError, showValue } from "@lbpair/common";
import type { HealthEngine } from "./health/types.js";

/** Servers checked by one order; a service has no more. */
export const SERVERS_TRIED_MAX = 64;

/** `{service, server?}`: without a server all of the service's. */
export async function runHealthCheck(
  body: unknown,
  engine: Pick<HealthEngine, "own" | "tryOut"> | undefined,
  signal: AbortSignal,
): Promise<CheckTrial[]> {
  if (engine === undefined) throw new RefusalError(409, "no configuration is in force here");
  const { service, server } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const wrong = (path: string, want: string, got: unknown): Problem => ({
    code: "wrong-value",
    path,
    want,
    got: showValue(got),
  });
  const problems = [
    ...(typeof service === "string" ? [] : [wrong("service", "a service's label", service)]),
    ...(server === undefined || typeof server === "string"
      ? []
      : [wrong("server", "a real server's label, or none", server)]),
  ];
  if (problems.length > 0) throw new RefusalError(400, "the request is malformed", problems);
  const ids = [...engine.own().keys()].filter((id) =>
    server === undefined ? id.startsWith(`${service}/`) : id === `${service}/${server}`,
  );
  if (ids.length === 0) {
    const name = server === undefined ? `${service}` : `${service}/${server}`;
    throw new RefusalError(404, `there is no real server ${name} in force here`);
  }
  return engine.tryOut(ids.slice(0, SERVERS_TRIED_MAX), signal);
}
