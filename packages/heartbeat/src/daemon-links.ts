// daemon-links.ts — what watches this node's links, given its daemon: networks, ping nodes, addresses.

import { withoutZone } from "@lbpair/common/light";
import { AddressGuard } from "./address-guard.js";
import { witnessInterval } from "./core/witness-view.js";
import type { HeartbeatDaemon } from "./daemon.js";
import type { DaemonParts } from "./daemon-parts.js";
import { NetworkWatch } from "./network-watch.js";
import { reminders } from "./perform.js";
import { virtualDigest } from "./settings.js";

export function createNetwork(daemon: HeartbeatDaemon, parts: DaemonParts): NetworkWatch {
  const { clock, events, holder, network, memory } = parts;
  const watch = new NetworkWatch({
    clock,
    events,
    holder,
    ...network,
    witnessInterval: () => witnessInterval(daemon.settings.election),
    onView: (view, lateMs) => daemon.heart.witnessed(view, lateMs),
    onLearnt: ({ first, neighbour, floatingIp }) => {
      if (first) daemon.trace.note("neighbour", `${neighbour} has learnt ${floatingIp}`);
    },
    onForwarded: () => daemon.trace.note("first-packet", "the first packet was forwarded"),
  });
  watch.knowPeer(memory?.peerMacs ?? []);
  return watch;
}

export function planNetwork({ network, settings }: HeartbeatDaemon): void {
  const { services, appliance } = settings.running;
  const paths = appliance.peer?.paths ?? [];
  network.plan(
    services,
    paths.map(({ peer }) => withoutZone(peer)),
  );
}

/** Only a pair has somewhere to move the role. */
export function planPings({ pings, settings }: HeartbeatDaemon): void {
  const { services, appliance } = settings.running;
  pings.plan(appliance.peer === undefined ? [] : services.heartbeat.pingNodes);
}

export function createGuard(daemon: HeartbeatDaemon): AddressGuard {
  const { clock, events, lease, holder, queue } = daemon;
  return new AddressGuard({
    clock,
    events,
    lease,
    holder,
    services: () => daemon.settings.running.services,
    virtualDigest: () => virtualDigest(daemon.settings),
    remind: () => daemon.announcer.remind(reminders(holder)),
    holds: () => daemon.heart.condition === "active",
    answers: () => daemon.state.phase === "active",
    leaseLength: () => daemon.leaseLength(),
    perform: (effects) => {
      queue.push(effects);
      return queue.settled();
    },
    onHealth: () => {
      planNetwork(daemon);
      daemon.setLocal();
    },
    onError: (error) => daemon.failed("keeping the addresses", error),
  });
}
