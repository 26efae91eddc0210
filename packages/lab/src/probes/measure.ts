// measure.ts — a fault, and everything that clients saw of it: one set of probes around one act.
import { ECHO_PORT, type HostName, VIP } from "../world/plan.js";
import type { World } from "../world/world.js";
import type { BusyConnectionsResult } from "./busy-connections.js";
import type { NewConnectionsResult } from "./new-connections.js";
import type { Probe } from "./probe.js";
import type { UdpEchoResult } from "./udp-echo.js";

export interface Figures {
  readonly datagrams: UdpEchoResult;
  readonly newConnections: NewConnectionsResult;
  /** Half of them from behind the router. */
  readonly open: BusyConnectionsResult;
}

export interface MeasureOptions {
  /** Open connections in all. */
  readonly connections: number;
  /** How long clients are watched after the act, in milliseconds. */
  readonly afterMs: number;
}

export const MEASURE_DEFAULTS: MeasureOptions = { connections: 100, afterMs: 2500 };

/** The stream port of the reference deployment: the open connections are the service's own. */
const STREAM_PORT = 12950;
/** Until the start of the probes themselves is no longer felt. */
const SETTLE_MS = 600;
const QUIET_MS = 200;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function merge(a: BusyConnectionsResult, b: BusyConnectionsResult): BusyConnectionsResult {
  const byKind: Record<string, { total: number; alive: number }> = {};
  const reasons: Record<string, number> = {};
  for (const part of [a, b]) {
    for (const [kind, { total, alive }] of Object.entries(part.byKind)) {
      const row = byKind[kind] ?? { total: 0, alive: 0 };
      byKind[kind] = { total: row.total + total, alive: row.alive + alive };
    }
    for (const [reason, count] of Object.entries(part.reasons)) {
      reasons[reason] = (reasons[reason] ?? 0) + count;
    }
  }
  return {
    total: a.total + b.total,
    alive: a.alive + b.alive,
    longestStallMs: Math.max(a.longestStallMs, b.longestStallMs),
    byKind,
    reasons,
    connections: [...a.connections, ...b.connections],
  };
}

/** Whatever can run probes on its hosts: the lab's namespaces, or containers. */
export type Probing = Pick<World, "probe">;

/** Opens the connections, lets everything settle, performs the act, watches on, and reports. */
export async function measure<T>(
  world: Probing,
  act: () => Promise<T>,
  options: Partial<MeasureOptions> = {},
): Promise<{ readonly figures: Figures; readonly value: T }> {
  const { connections, afterMs } = { ...MEASURE_DEFAULTS, ...options };
  const started: Probe<"busy-connections" | "new-connections" | "udp-echo">[] = [];
  const busy = async (host: HostName, count: number) => {
    const target = { address: VIP, port: STREAM_PORT, connections: count };
    const probe = await world.probe(host, "busy-connections", target);
    started.push(probe);
    return probe;
  };
  try {
    const near = await busy("client", Math.ceil(connections / 2));
    const far = await busy("far", Math.floor(connections / 2));
    const target = { address: VIP, port: ECHO_PORT };
    const arriving = await world.probe("client", "new-connections", {
      ...target,
      intervalMs: 5,
      slowMs: 200,
      timeoutMs: 5000,
    });
    started.push(arriving);
    const echo = await world.probe("client", "udp-echo", { ...target, intervalMs: 1 });
    started.push(echo);
    await pause(SETTLE_MS);
    for (const probe of started) probe.mark();
    await pause(QUIET_MS);
    const value = await act();
    await pause(afterMs);
    // The fine probes end first, so that the closing of the connections is not among their figures.
    const [datagrams, newConnections] = await Promise.all([echo.stop(), arriving.stop()]);
    const [a, b] = await Promise.all([near.stop(), far.stop()]);
    return { figures: { datagrams, newConnections, open: merge(a, b) }, value };
  } catch (error) {
    await Promise.all(started.map((probe) => probe.abandon()));
    throw error;
  }
}

/** The same with no fault at all: what the probes themselves and this machine amount to. */
export const measureFloor = async (
  world: Probing,
  options: Partial<MeasureOptions> = {},
): Promise<Figures> => (await measure(world, () => Promise.resolve(), options)).figures;
