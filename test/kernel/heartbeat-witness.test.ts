// heartbeat-witness.test.ts — what a real network testifies of a silent peer: alive, dead, impersonated, cut off.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { type PacketReceiver, runCommand } from "@lbpair/common";
import { createLease } from "@lbpair/heartbeat";
import { pause, unsupported } from "./heartbeat-namespaces.js";
import { addressOf, laySwitch, macOf, type Switch } from "./heartbeat-switch.js";
import { INTERVAL_MS, startWatching, VIP, VIP6, type Watched } from "./heartbeat-watched.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);

/** The peer's gate without a lease: nothing speaks for the floating IPs by ARP or neighbour discovery. */
const NO_LEASE = `table netdev gate { chain out { type filter hook egress device "e0" priority 0;
  arp saddr ip ${VIP} drop
  icmpv6 type nd-neighbor-advert drop
  }
}
`;

describe("the witnesses of a silent peer", { skip: reason ?? false }, () => {
  let net: Switch;
  let watched: Watched;
  let impostors: PacketReceiver[] = [];
  before(() => {
    net = laySwitch();
  });
  after(() => net.remove());
  beforeEach(async () => {
    net.ip("peer", "addr", "replace", `${VIP}/32`, "dev", "e0");
    net.ip("peer", "addr", "replace", `${VIP6}/128`, "dev", "e0", "nodad");
    watched = await startWatching();
  });
  afterEach(() => {
    watched.close();
    for (const impostor of impostors) impostor.close();
    impostors = [];
    for (const name of ["here", "peer", "host", "stranger"] as const) net.port(name, "up");
    for (const name of ["peer", "stranger"] as const) {
      for (const address of [`${VIP}/32`, `${VIP6}/128`]) {
        try {
          net.ip(name, "addr", "del", address, "dev", "e0");
        } catch {
          // It is not there.
        }
      }
    }
  });
  const answeredBy = () => watched.watch.status().witness[0]?.answeredBy;

  test("a living peer is found by its floating IP's answer and an echo to that MAC, within two rounds", async () => {
    const view = await watched.suspectFor(2);
    console.log(JSON.stringify(view));
    assert.equal(view.able, true);
    assert.notEqual(view.peerAnsweredAt, null);
    assert.equal(view.cut, 0);
    assert.equal(view.stranger, null);
    assert.deepEqual(watched.events, []);
  });

  test("an IPv6 floating IP alone is as good a witness", async () => {
    net.ip("peer", "addr", "del", `${VIP}/32`, "dev", "e0");
    const view = await watched.suspectFor(3);
    assert.notEqual(view.peerAnsweredAt, null);
    assert.equal(view.stranger, null);
  });

  test("a dead peer is answered for by nobody, while the neighbours are heard", async () => {
    net.port("peer", "down");
    const view = await watched.suspectFor(4);
    assert.deepEqual([view.peerAnsweredAt, view.stranger, view.cut], [null, null, 0]);
    watched.watch.suspect();
    await pause(3 * INTERVAL_MS);
    assert.equal(answeredBy(), "nobody");
  });

  test("a peer whose kernel lives but whose lease has ended does not count as alive", async () => {
    net.exec("peer", ["nft", "-f", "-"], NO_LEASE);
    try {
      const ping = await runCommand(["ping", "-c1", "-W1", addressOf("peer")]);
      assert.equal(ping.code, 0, "its kernel answers");
      const view = await watched.suspectFor(4);
      assert.equal(view.peerAnsweredAt, null);
    } finally {
      net.exec("peer", ["nft", "delete", "table", "netdev", "gate"]);
    }
  });

  test("a switch that answers ARP for the dead with the peer's own MAC proves nothing", async () => {
    net.port("peer", "down");
    impostors = [net.impostor("stranger", VIP, macOf("peer"))];
    const view = await watched.suspectFor(5);
    assert.deepEqual([view.peerAnsweredAt, view.stranger], [null, null]);
  });

  test("a stranger that answers for a dead peer is an alarm with its MAC, once, and no sign of life", async () => {
    net.port("peer", "down");
    net.ip("stranger", "addr", "add", `${VIP}/32`, "dev", "e0");
    const view = await watched.suspectFor(5);
    assert.equal(view.peerAnsweredAt, null);
    assert.deepEqual(view.stranger, { address: VIP, mac: macOf("stranger") });
    const alarms = watched.events.filter(({ event }) => event === "address-conflict");
    console.log(alarms.map(({ text }) => text).join("; "));
    assert.equal(alarms.length, 1);
    assert.equal(alarms[0]?.level, "alarm");
    assert.equal(alarms[0]?.facts.mac, macOf("stranger"));
  });

  test("a Linux router with proxy_arp answers questions, but not those asked in nobody's name", async () => {
    net.port("peer", "down");
    net.sysctl("stranger", "net.ipv4.conf.e0.proxy_arp=1", "net.ipv4.ip_forward=1");
    net.ip("stranger", "link", "add", "behind", "type", "veth", "peer", "name", "beyond");
    net.ip("stranger", "link", "set", "beyond", "up");
    net.ip("stranger", "link", "set", "behind", "up");
    net.ip("stranger", "route", "add", `${VIP}/32`, "dev", "behind");
    net.sysctl("stranger", "net.ipv4.neigh.e0.proxy_delay=0");
    try {
      const arping = net.exec("host", ["arping", "-c1", "-w1", "-I", "e0", VIP]);
      assert.match(
        arping.toLowerCase(),
        new RegExp(macOf("stranger")),
        "it does answer for the dead",
      );
      const view = await watched.suspectFor(5);
      assert.deepEqual([view.peerAnsweredAt, view.stranger], [null, null]);
    } finally {
      net.ip("stranger", "link", "del", "behind");
      net.sysctl("stranger", "net.ipv4.conf.e0.proxy_arp=0");
    }
  });

  test("questions change nobody's memory of who has a floating IP", async () => {
    net.port("peer", "down");
    net.ip("host", "neigh", "replace", VIP, "lladdr", macOf("peer"), "dev", "e0", "nud", "stale");
    net.ip("host", "neigh", "replace", VIP6, "lladdr", macOf("peer"), "dev", "e0", "nud", "stale");
    await watched.suspectFor(5);
    const table = net.ip("host", "neigh", "show", "dev", "e0");
    for (const address of [VIP, VIP6]) {
      assert.match(table, new RegExp(`^${address} lladdr ${macOf("peer")}`, "m"), table);
    }
  });

  test("the gate of a passive node, which lets nothing speak for the floating IPs, lets questions pass", async () => {
    const lease = createLease({ run: runCommand });
    await lease.open(["e0"], [VIP, VIP6]);
    try {
      const view = await watched.suspectFor(3);
      assert.notEqual(view.peerAnsweredAt, null);
    } finally {
      lease.close();
      await runCommand(["nft", "delete", "table", "netdev", "lbpair_gate"]);
    }
  });

  test("a link without carrier is cut off at once", async () => {
    net.port("here", "down");
    await pause(50);
    await watched.look();
    const view = await watched.suspectFor(1);
    assert.equal(view.cut, 1);
  });

  test("a link with carrier on which nobody answers any more is cut off after two rounds, until somebody does", async () => {
    for (const name of ["peer", "host", "stranger"] as const) net.port(name, "down");
    const view = await watched.suspectFor(3);
    assert.equal(view.cut, 1);
    net.port("host", "up");
    await pause(50);
    watched.views.length = 0;
    watched.watch.suspect();
    net.exec("host", ["arping", "-q", "-c1", "-w1", "-A", "-I", "e0", addressOf("host")]);
    await pause(4 * INTERVAL_MS);
    assert.equal(watched.views.at(-1)?.cut, 0);
  });

  test("while active, somebody else's claim is an alarm; when quiet, next to no time is spent", async () => {
    net.ip("peer", "addr", "del", `${VIP}/32`, "dev", "e0");
    watched.watch.setActive(true);
    net.exec("stranger", [
      "arping",
      "-q",
      "-c1",
      "-w1",
      "-U",
      "-I",
      "e0",
      "-s",
      "10.9.0.4",
      "10.9.0.4",
    ]);
    await pause(300);
    assert.equal(watched.events.length, 0, "its own address is its own");
    net.ip("stranger", "addr", "add", `${VIP}/32`, "dev", "e0");
    net.exec("stranger", ["arping", "-q", "-c1", "-w1", "-U", "-I", "e0", VIP]);
    await pause(300);
    assert.deepEqual(
      watched.events.map(({ event, facts }) => [event, facts.mac]),
      [["address-conflict", macOf("stranger")]],
    );
    const before = process.cpuUsage();
    await pause(1000);
    const { user, system } = process.cpuUsage(before);
    console.log(`idle: ${((user + system) / 1000).toFixed(1)} ms of CPU in a second`);
    assert.ok(user + system < 50_000);
  });

  test("while active, a stranger that says nothing by itself is found by a question within ten seconds", async () => {
    net.port("peer", "down");
    watched.watch.setActive(true);
    net.ip("stranger", "addr", "add", `${VIP}/32`, "dev", "e0");
    const began = performance.now();
    while (watched.events.length === 0 && performance.now() - began < 12_000) await pause(50);
    console.log(`found after ${(performance.now() - began).toFixed(0)} ms`);
    assert.deepEqual(
      watched.events.map(({ event, facts }) => [event, facts.mac]),
      [["address-conflict", macOf("stranger")]],
    );
  });
});
