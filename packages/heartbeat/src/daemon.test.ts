// daemon.test.ts — what the daemon says before it knows what it holds.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ApplianceConfig,
  appliancePaths,
  type EventLog,
  servicesSchema,
  systemClock,
} from "@lbpair/common";
import { HeartbeatDaemon } from "./daemon.js";
import type { DaemonParts } from "./daemon-parts.js";
import { Holder } from "./holder.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import type { Settings } from "./settings.js";

const BOOT = "0".repeat(32);
const verdicts = { serial: 1, hash: "1".repeat(16) } as never;

function settings(): Settings {
  const services = servicesSchema.parse({
    floatingIps: [{ label: "vip", address: "192.168.200.100" }],
  });
  const { heartbeat } = services;
  const appliance = {
    node: { name: "lb1", designation: "primary" },
    peer: { name: "lb2", paths: [{ local: "10.0.0.1", peer: "10.0.0.2" }] },
  } as ApplianceConfig;
  return {
    running: { services, appliance, modes: { serial: 0 } as never, revision: null },
    election: { ...heartbeat, designation: "primary", paired: true, pingDamping: 0 },
    key: Buffer.alloc(32, 7),
    revision: { serial: 0, hash: "0".repeat(16) },
    modes: { serial: 0, hash: "0".repeat(16) },
  };
}

/** A daemon that has been told to listen on a path that is bound, and has not started yet. */
async function listening() {
  const sent: Uint8Array[] = [];
  const addresses = {
    raise: async () => undefined,
    lower: async () => undefined,
    prolong: async () => undefined,
    present: async () => [],
    // A link without carrier, to which the floating IP belongs: health that an advert would tell.
    networks: async () => [
      {
        link: "eth1",
        index: 2,
        mac: "02:00:00:00:00:01",
        carrier: false,
        networks: [{ address: "192.168.200.1", prefixLength: 24 }],
      },
    ],
  };
  const parts: DaemonParts = {
    paths: appliancePaths({ etc: "/nowhere", state: "/nowhere", run: "/nowhere" }),
    clock: systemClock,
    log: { error: () => undefined },
    run: () => Promise.reject(new Error("no commands here")),
    events: { record: () => undefined } as unknown as EventLog,
    settings: settings(),
    lease: {
      held: false,
      mayAnswerMs: () => 0,
      open: async () => undefined,
    } as never as LeaseKeeper,
    holder: new Holder(addresses),
    announcer: { stop: () => undefined } as never,
    network: { routers: async () => [], mayAnnounce: () => false, forwarded: () => undefined },
    ping: { ask: () => undefined, read: () => [], close: () => undefined },
    openSocket: ({ onBound }) => {
      setImmediate(onBound);
      return {
        bound: true,
        counters: { sent: 0, received: 0, sendErrors: 0, bindErrors: 0, unbound: 0 },
        lastError: "",
        send: (bytes) => sent.push(bytes),
        drain: async () => undefined,
        close: async () => undefined,
      };
    },
    bootId: BOOT,
    transitions: {
      latest: () => [],
      write: () => undefined,
      nextSeq: 1,
      close: async () => undefined,
    },
    memory: null,
    remember: () => undefined,
    remembered: async () => undefined,
    suspendedMs: () => 0,
  };
  const daemon = new HeartbeatDaemon(parts);
  daemon.listen();
  await new Promise((done) => setImmediate(done));
  await new Promise((done) => setImmediate(done));
  return { daemon, sent };
}

test("before a run knows whether it adopts, neither its forwarder nor its links make it say anything but hello", async () => {
  const { daemon, sent } = await listening();
  try {
    assert.equal(sent.length, 1, "the hello");
    daemon.onForwarder(true, "", verdicts);
    await daemon.guard.look();
    await daemon.queue.settled();
    console.log(`datagrams sent: ${sent.length}, the hello among them`);
    assert.equal(
      sent.length,
      1,
      "an advert of now would call a node passive that is about to adopt",
    );
  } finally {
    await daemon.close();
  }
});
