// clients.ts — clients that go on all the time: 200 new connections a second and 100 open busy ones.
import {
  ECHO_PORT,
  type HostName,
  type Probe,
  type ProbeKinds,
  VIP,
  type World,
} from "@lbpair/lab";

type Open = ProbeKinds["busy-connections"]["result"];
type Arriving = ProbeKinds["new-connections"]["result"];

export interface Clients {
  stop(): Promise<{ readonly arriving: Arriving; readonly open: readonly Open[] }>;
  abandon(): Promise<void>;
}

const STREAM_PORT = 12950;

/** A new connection every 5 ms; a server's name is the answer. */
export const arrivingClients = (world: World): Promise<Probe<"new-connections">> =>
  world.probe("client", "new-connections", {
    address: VIP,
    port: ECHO_PORT,
    intervalMs: 5,
    slowMs: 200,
    timeoutMs: 5000,
  });

/** Half of the open connections come from behind the router. */
export async function startClients(world: World, connections = 100): Promise<Clients> {
  const hosts: readonly HostName[] = ["client", "far"];
  const target = { address: VIP, port: STREAM_PORT, connections: connections / hosts.length };
  const open: Probe<"busy-connections">[] = [];
  for (const host of hosts) open.push(await world.probe(host, "busy-connections", target));
  const arriving = await arrivingClients(world);
  return {
    async stop() {
      const newcomers = await arriving.stop();
      return { arriving: newcomers, open: await Promise.all(open.map((probe) => probe.stop())) };
    },
    async abandon() {
      await Promise.all([arriving, ...open].map((probe) => probe.abandon()));
    },
  };
}

export const sayArriving = (arriving: Arriving): string =>
  `${arriving.attempts} new connections: ${arriving.succeeded} answered ` +
  `${JSON.stringify(arriving.servers)}, ${arriving.slow} slowly, ${arriving.failed} failed ` +
  `${JSON.stringify(arriving.errors)}, longest without ${arriving.outageMs.toFixed(0)} ms`;
