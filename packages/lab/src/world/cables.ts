// cables.ts — faults of the network: pulled cables, and a switch that keeps the two appliances apart.
import type { Run } from "@lbpair/common";
import { ipBatch } from "./network.js";
import { APPLIANCES, type HostName, hostPlan, type NetworkName, namespaceOf } from "./plan.js";

export interface Cables {
  /** Pulls the cables of a host, all at once, or those to the named networks. */
  pull(host: HostName, networks?: readonly NetworkName[]): Promise<void>;
  plug(host: HostName, networks?: readonly NetworkName[]): Promise<void>;
  /** The appliances no longer hear each other on these networks; everybody else hears both. */
  partition(networks: readonly NetworkName[]): Promise<void>;
  /** Everything plugged, nothing kept apart. */
  heal(): Promise<void>;
}

export function createCables(run: Run, labId: string): Cables {
  const atSwitch = (lines: readonly string[]) => ipBatch(run, namespaceOf(labId, "switch"), lines);
  const ports = (host: HostName, networks: readonly NetworkName[] | undefined): string[] =>
    hostPlan(host)
      .cables.filter((c) => networks === undefined || networks.includes(c.network))
      .map((c) => c.port);
  // A bridge does not forward between two isolated ports, and does between all others.
  const isolate = (networks: readonly NetworkName[], on: boolean): string[] =>
    APPLIANCES.flatMap((name) => ports(name, networks)).map(
      (port) => `link set ${port} type bridge_slave isolated ${on ? "on" : "off"}`,
    );
  const plugged = (host: HostName, networks?: readonly NetworkName[]): string[] =>
    ports(host, networks).map((port) => `link set ${port} up`);
  return {
    pull: (host, networks) =>
      atSwitch(ports(host, networks).map((port) => `link set ${port} down`)),
    plug: (host, networks) => atSwitch(plugged(host, networks)),
    partition: (networks) => atSwitch(isolate(networks, true)),
    heal: () =>
      atSwitch([
        ...isolate(["front", "back"], false),
        ...APPLIANCES.flatMap((name) => plugged(name)),
        ...plugged("primary"),
        ...plugged("fallback"),
      ]),
  };
}
