// flow-keeper.ts — wiring: makes live connections fit what is in force, and no others.
import type { EventLog, Family } from "@lbpair/common";
import type { ConnectionTable } from "./conntrack.js";
import {
  cutsText,
  deletionsOf,
  FLOWS_CUT_MAX,
  findStrays,
  type StrayFlows,
  serverPairs,
} from "./cuts.js";
import type { Distribution } from "./distribution.js";
import type { Flow } from "./flow.js";
import type { Gone } from "./flow-turns.js";
import type { NftTable } from "./nft.js";
import type { PinKeeper } from "./pin-keeper.js";
import type { Provoker } from "./provoker.js";
import { indexElements } from "./service-index.js";

/** Why a passive node forgets connections now and then: a switch brought it packets of the active's. */
export const FLOODED = "packets that a switch had brought to both nodes";

export interface FlowKeeperDeps {
  readonly family: Family;
  readonly nft: NftTable;
  readonly connections: ConnectionTable;
  readonly provoker: Provoker;
  readonly pins: Pick<PinKeeper, "keep" | "lookAgain">;
  readonly event: EventLog["record"];
}

/** Which of all flows are to end; `perClient` where others of the same server and port are to stay. */
export interface Choose {
  readonly perClient: boolean;
  pick(flows: readonly Flow[]): readonly Flow[];
}

export interface FlowKeeper {
  /** Ends what has to end after a change; `gone` is what went with it, null where nothing was there. */
  endStrays(now: readonly Distribution[], gone: Gone | null): Promise<void>;
  /**
   * Looks which open connections the maps do not describe, and for UDP flows that came back after they
   * were freed; answers with all there are.
   */
  pin(now: readonly Distribution[]): Promise<readonly Flow[]>;
  /** Ends the connections that `choose` picks, as an operator asks; answers with how many. */
  cut(now: readonly Distribution[], choose: Choose): Promise<number>;
  /** Deletes entries that came into being while the rules were away. */
  dropUntranslated(now: readonly Distribution[]): Promise<void>;
  /** Deletes every entry of the services, as long as `goOn` answers so. */
  forget(now: readonly Distribution[], why: string, goOn: () => boolean): Promise<void>;
}

const addressesOf = (distributions: readonly Distribution[]): Set<string> =>
  new Set(distributions.map((each) => each.service.address));

export function createFlowKeeper(deps: FlowKeeperDeps): FlowKeeper {
  const { family, nft, connections, provoker, pins, event } = deps;

  const forgetFlows = async (ended: readonly Flow[], all: readonly Flow[]): Promise<void> => {
    for (const { server, vip, protocol, ports } of deletionsOf(ended, all)) {
      await connections.deleteServer(server, vip, protocol, ports);
    }
  };

  const forgetClients = async (ended: readonly Flow[]): Promise<void> => {
    const groups = new Map(
      ended.map((flow) => [
        `${flow.protocol} ${flow.client} ${flow.vip} ${flow.vipPort} ${flow.server}`,
        flow,
      ]),
    );
    for (const flow of groups.values()) await connections.deleteClient(flow);
  };

  /** From here on every packet of these flows is answered with a reset, entry or not. */
  const resetFromNowOn = async (flows: readonly Flow[]): Promise<void> => {
    try {
      await nft.add(cutsText(family, flows));
    } catch (error) {
      // Without their entries the flows still leave the server: another one's reset ends them.
      const text = `the set of cut connections does not take ${flows.length} more`;
      event("warn", "cuts-refused", text, { reason: String(error) });
    }
  };

  const cut = async ({ tcp: flows, silent }: StrayFlows, all: readonly Flow[]): Promise<void> => {
    if (flows.length === 0) return forgetFlows(silent, all);
    const now = flows.slice(0, FLOWS_CUT_MAX);
    await resetFromNowOn(now);
    // The later rounds go on beside other work; it reports its own trouble.
    void provoker.provoke(now);
    await forgetFlows([...flows, ...silent], all);
    for (const { server, vip, flows: count } of serverPairs(flows)) {
      const text = `${count} open connections of ${server} through ${vip} were cut`;
      event("info", "connections-cut", text, { server, vip, connections: count });
    }
  };

  return {
    async endStrays(now, gone) {
      const vips = new Set([...(gone?.floating.keys() ?? []), ...addressesOf(now)]);
      const former = indexElements(gone);
      // The peer may have to carry on any moment, so the pins come first.
      const all = await pins.keep(now, () => connections.list(vips));
      pins.lookAgain();
      const strays = findStrays(all, now, former);
      await cut(strays, all);
      await forgetFlows(strays.udp, all);
      if (strays.udp.length > 0) {
        const text = `${strays.udp.length} UDP flows are free to find another server`;
        event("info", "udp-flows-freed", text, { flows: strays.udp.length });
      }
    },
    async pin(now) {
      const all = await pins.keep(now, () => connections.list(addressesOf(now)));
      // A server's answer that was under way when the entry of its flow went has begun another one.
      const { udp } = findStrays(all, now, () => false);
      await forgetFlows(udp, all);
      if (udp.length > 0) pins.lookAgain();
      return all;
    },
    async cut(now, { perClient, pick }) {
      const all = await connections.list(addressesOf(now));
      const chosen = pick(all);
      const tcp = chosen.filter(({ protocol }) => protocol === "tcp").slice(0, FLOWS_CUT_MAX);
      if (tcp.length > 0) await resetFromNowOn(tcp);
      void provoker.provoke(tcp);
      if (perClient) await forgetClients(chosen);
      else await forgetFlows(chosen, all);
      return chosen.length;
    },
    async dropUntranslated(now) {
      const servers = new Set(
        now.flatMap((each) => each.service.servers.map((server) => server.address)),
      );
      await connections.deleteUntranslated([...addressesOf(now)], [...servers]);
    },
    /**
     * Only entries of our addresses go: another program's connections are not ours to end. That takes
     * longer than emptying the table would, but a passive node has the time.
     */
    async forget(now, why, goOn) {
      // Few of many addresses have connections, and each deletion walks the whole table.
      const used = new Set((await connections.list(addressesOf(now))).map((flow) => flow.vip));
      for (const vip of used) {
        // What is deleted once the node is active again is an outage for whoever owns it.
        if (!goOn()) return;
        await connections.deleteVip(vip);
      }
      if (used.size === 0 && why === FLOODED) return;
      event("info", "connections-forgotten", `the services' connections are forgotten: ${why}`);
    },
  };
}
