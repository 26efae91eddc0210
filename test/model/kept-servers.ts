// kept-servers.ts — which server a client of a service with persistence comes back to.
import { type Flow, serviceOf, servingOf } from "./model.js";
import type { Service, Setup } from "./setup.js";

export interface KeptServers {
  /** The servers one of which the client had, among those that serve; undefined where it is dealt one anew. */
  allow(setup: Setup, flow: Flow): ReadonlySet<string> | undefined;
  /** A round of questions begins: of what is seen in one, nobody knows the order. */
  beginRound(): void;
  /** A first packet was answered by this address; null: it was refused. */
  note(setup: Setup, flow: Flow, address: string | null): void;
  /** The configuration changed: what is kept under another rule is not known any more. */
  settle(before: Setup, now: Setup): void;
  /** The kernel's memory may be gone. */
  lose(): void;
}

const masked = (client: string, bits: 32 | 24): string =>
  bits === 32 ? client : client.replace(/\.\d+$/, ".0");

export function createKeptServers(): KeptServers {
  const kept = new Map<string, Set<string>>();
  let round = new Set<string>();
  const keyOf = (service: Service | undefined, flow: Flow): string | undefined => {
    if (service === undefined || service.persistence === null) return undefined;
    return `${service.label} ${masked(flow.client, service.persistence)}`;
  };
  return {
    allow(setup, flow) {
      const service = serviceOf(setup, flow);
      const had = kept.get(keyOf(service, flow) ?? "");
      if (service === undefined || had === undefined) return undefined;
      const still = servingOf(setup, service).map(({ address }) => address);
      // Where it is not sure which one it had, one that serves no more leaves the choice open.
      const sure = [...had].every((address) => still.includes(address));
      return sure ? had : undefined;
    },
    beginRound() {
      round = new Set();
    },
    note(setup, flow, address) {
      const key = keyOf(serviceOf(setup, flow), flow);
      if (key === undefined) return;
      const first = !round.has(key);
      round.add(key);
      if (address === null) kept.delete(key);
      else if (first) kept.set(key, new Set([address]));
      else kept.get(key)?.add(address);
    },
    settle(before, now) {
      for (const service of before.services) {
        const next = now.services.find(({ label }) => label === service.label);
        if (next?.persistence === service.persistence) continue;
        for (const key of kept.keys()) if (key.startsWith(`${service.label} `)) kept.delete(key);
      }
    },
    lose: () => kept.clear(),
  };
}
