// events.ts — what the heartbeats report of themselves, told between the measurements.
import type { EventRecord } from "@lbpair/common";
import { APPLIANCES } from "../world/plan.js";
import type { World } from "../world/world.js";

/** Worth telling: every alarm and warning, and who is active. */
const isTold = ({ event, level }: EventRecord): boolean =>
  level !== "info" || event === "became-active" || event === "became-passive";

/** Events of both nodes since a wall time, oldest first; a daemon that does not answer has none. */
export async function eventsSince(world: World, since: Date): Promise<EventRecord[]> {
  const lists = await Promise.all(
    APPLIANCES.map(async (name) => {
      const appliance = world.appliances[name];
      if (appliance.view("heartbeat").frozen) return [];
      const answer = appliance.ask("heartbeat", "GET /events?after=0").catch(() => []);
      return (await answer) as EventRecord[];
    }),
  );
  return lists
    .flat()
    .filter((record) => isTold(record) && new Date(record.at) > since)
    .sort((a, b) => a.at.localeCompare(b.at));
}
