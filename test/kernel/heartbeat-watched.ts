// heartbeat-watched.ts — a NetworkWatch on a real link, as the daemon uses it, and what it says.
import { type EventLog, runCommand, servicesSchema, systemClock } from "@lbpair/common";
import {
  createAddresses,
  Holder,
  NetworkWatch,
  type NetworkWatchOptions,
  readForwarded,
  readRouters,
  type WitnessView,
} from "@lbpair/heartbeat";
import { pause } from "./heartbeat-namespaces.js";
import { address6Of, addressOf, macOf } from "./heartbeat-switch.js";

export const VIP = "10.9.0.100";
export const VIP6 = "fd00:9::100";
/** From one round of questions to the next. */
export const INTERVAL_MS = 20;

export interface Recorded {
  readonly level: string;
  readonly event: string;
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface Watched {
  readonly watch: NetworkWatch;
  readonly holder: Holder;
  readonly views: WitnessView[];
  readonly events: Recorded[];
  /** Looks at the links again, as after a change. */
  look(): Promise<void>;
  /** Suspects the peer for so many rounds, and answers the last view. */
  suspectFor(rounds: number): Promise<WitnessView>;
  close(): void;
}

const SERVICES = servicesSchema.parse({
  heartbeat: { neighbours: [addressOf("host"), address6Of("host")] },
  floatingIps: [
    { label: "vip", address: VIP },
    { label: "vip6", address: VIP6 },
  ],
});

export async function startWatching(options: Partial<NetworkWatchOptions> = {}): Promise<Watched> {
  const holder = new Holder(createAddresses(runCommand));
  const views: WitnessView[] = [];
  const events: Recorded[] = [];
  const record: EventLog["record"] = (level, event, text, facts = {}) => {
    events.push({ level, event, text, facts });
  };
  const watch = new NetworkWatch({
    clock: systemClock,
    events: { record } as EventLog,
    holder,
    routers: () => readRouters(runCommand),
    mayAnnounce: () => true,
    witnessInterval: () => INTERVAL_MS,
    onView: (view) => views.push(view),
    forwarded: readForwarded,
    ...options,
  });
  watch.knowPeer([macOf("peer")]);
  const look = async () => {
    await holder.look(SERVICES);
    watch.plan(SERVICES, [addressOf("peer"), address6Of("peer")]);
    // The routers' answer, and the first calls' answers.
    await pause(100);
  };
  await look();
  return {
    watch,
    holder,
    views,
    events,
    look,
    async suspectFor(rounds) {
      views.length = 0;
      watch.suspect();
      const end = performance.now() + 5000;
      while ((views.at(-1)?.rounds ?? 0) < rounds && performance.now() < end) await pause(2);
      const last = views.at(-1);
      watch.trust();
      if (last === undefined || last.rounds < rounds) throw new Error("no rounds were held");
      return last;
    },
    close: () => watch.close(),
  };
}
