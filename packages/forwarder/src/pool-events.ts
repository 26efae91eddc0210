// pool-events.ts — which changes of a service's pool a person should hear of.
import type { EventRecord } from "@lbpair/common";
import type { Full } from "./connection-limits.js";
import type { Distribution } from "./distribution.js";

export interface PoolEvent {
  readonly level: EventRecord["level"];
  readonly event: string;
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

type Standing = "serving" | "on-fallback" | "refusing";

const standing = ({ pool }: Distribution): Standing =>
  pool.serving.length === 0 ? "refusing" : pool.onFallback ? "on-fallback" : "serving";

const LEVEL: Readonly<Record<Standing, EventRecord["level"]>> = {
  serving: "info",
  "on-fallback": "warn",
  refusing: "alarm",
};

/** One event for each service whose new connections go elsewhere than before. */
export function poolEvents(
  before: readonly Distribution[],
  after: readonly Distribution[],
): PoolEvent[] {
  const was = new Map(before.map((each) => [each.service.label, each]));
  return after.flatMap((now) => {
    const { label } = now.service;
    const then = was.get(label);
    const servers = now.pool.serving.map((server) => server.id);
    const same =
      then !== undefined && servers.join() === then.pool.serving.map((server) => server.id).join();
    if (same) return [];
    const state = standing(now);
    return [
      {
        level: LEVEL[state],
        event: `service-${state}`,
        text: `${label}: ${now.pool.reason}`,
        facts: { service: label, servers, colour: now.pool.colour },
      },
    ];
  });
}

/** One event for each server that has reached its maximum of connections, or is back at its minimum. */
export function limitEvents(before: Full, after: Full): PoolEvent[] {
  const tell = (id: string, event: string, text: string): PoolEvent => ({
    level: "info",
    event,
    text: `${id} ${text}`,
    facts: { server: id },
  });
  return [
    ...[...after]
      .filter((id) => !before.has(id))
      .map((id) =>
        tell(id, "server-full", "has its maximum of connections; new ones go elsewhere"),
      ),
    ...[...before]
      .filter((id) => !after.has(id))
      .map((id) => tell(id, "server-has-room", "has room for connections again")),
  ];
}
