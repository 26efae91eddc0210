// heartbeat-neighbours.test.ts — after a take over, real neighbours are found to have learnt it, or are told again.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { runCommand, systemClock } from "@lbpair/common";
import {
  type Announced,
  type Announcer,
  createAddresses,
  createAnnouncer,
  createForwardedWatch,
  readForwarded,
} from "@lbpair/heartbeat";
import { pause, unsupported } from "./heartbeat-namespaces.js";
import { address6Of, addressOf, laySwitch, macOf, type Switch } from "./heartbeat-switch.js";
import { startWatching, VIP, VIP6, type Watched } from "./heartbeat-watched.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);

/** Nothing of ARP and neighbour discovery comes in. */
const DEAF = `table netdev deaf { chain in { type filter hook ingress device "e0" priority 0;
  ether type arp drop
  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } drop
  }
}
`;

describe("neighbours after a take over", { skip: reason ?? false }, () => {
  let net: Switch;
  let watched: Watched;
  let announcer: Announcer;
  let learnt: {
    readonly neighbour: string;
    readonly floatingIp: string;
    readonly afterMs: number;
  }[];
  const addresses = createAddresses(runCommand);
  const raised = [
    { address: VIP, prefix: 32, link: "e0", lifetimeSeconds: null },
    { address: VIP6, prefix: 128, link: "e0", lifetimeSeconds: null },
  ] as const;

  before(() => {
    net = laySwitch();
    net.sysctl("host", "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0");
  });
  after(() => net.remove());
  beforeEach(async () => {
    learnt = [];
    watched = await startWatching({ onLearnt: (one) => learnt.push(one) });
    announcer = createAnnouncer({ atMs: [0] });
    await pause(150);
  });
  afterEach(async () => {
    watched.close();
    announcer.close();
    await addresses.lower(raised);
    net.ip("host", "neigh", "flush", "dev", "e0", "nud", "all");
    net.sysctl("host", "net.ipv4.icmp_echo_ignore_all=0", "net.ipv6.icmp.echo_ignore_all=0");
  });

  const believes = (nud = "stale") => {
    for (const address of [VIP, VIP6]) {
      net.ip("host", "neigh", "replace", address, "lladdr", macOf("peer"), "dev", "e0", "nud", nud);
    }
  };
  const remembered = (address: string): string =>
    /lladdr (\S+)/.exec(net.ip("host", "neigh", "show", address, "dev", "e0"))?.[1] ?? "nothing";
  const takeOver = async () => {
    await addresses.raise(raised);
    watched.watch.setActive(true);
    const linkIndex = net.indexAt("here");
    const targets = raised.map(
      ({ address }): Announced => ({ address, linkIndex, mac: macOf("here") }),
    );
    announcer.announce(targets);
    watched.watch.announced(targets);
  };
  const states = () =>
    Object.fromEntries(
      watched.watch
        .status()
        .neighbours.filter(({ neighbour }) =>
          [addressOf("host"), address6Of("host")].includes(neighbour),
        )
        .map(({ floatingIp, state }) => [floatingIp, state]),
    );
  const until = async (what: () => boolean, ms: number) => {
    const end = performance.now() + ms;
    while (!what() && performance.now() < end) await pause(5);
  };
  const all = (state: string) => ({ [VIP]: state, [VIP6]: state });

  test("a neighbour that believed in the peer learns by the announcement, and an echo proves it", async () => {
    believes();
    await takeOver();
    await until(() => watched.events.length > 0, 2000);
    console.log(watched.events.map(({ event, text }) => `${event}: ${text}`).join("; "));
    assert.deepEqual(states(), all("learnt"));
    assert.deepEqual([remembered(VIP), remembered(VIP6)], [macOf("here"), macOf("here")]);
    assert.deepEqual(
      watched.events.map(({ event }) => event),
      ["neighbours-learnt"],
    );
    assert.deepEqual(learnt.map(({ floatingIp }) => floatingIp).sort(), [VIP, VIP6]);
    assert.ok(learnt.every(({ afterMs }) => afterMs < 500));
  });

  test("a neighbour that was deaf to the announcement is told again within milliseconds of hearing again", async () => {
    believes();
    net.exec("host", ["nft", "-f", "-"], DEAF);
    await takeOver();
    await pause(200);
    assert.deepEqual([learnt.length, remembered(VIP)], [0, macOf("peer")]);
    net.exec("host", ["nft", "delete", "table", "netdev", "deaf"]);
    const heardAgain = performance.now();
    await until(() => learnt.length === 2, 3000);
    console.log(
      `learnt ${(performance.now() - heardAgain).toFixed(0)} ms after it could hear again`,
    );
    assert.deepEqual(states(), all("learnt"));
  });

  test("a neighbour that heard the peer a moment ago, within its lock time, learns all the same", async () => {
    net.sysctl("host", "net.ipv4.neigh.e0.locktime=10000");
    try {
      // A reply of the peer, just now: within the lock time a kernel refuses to learn from mere replies.
      net.ip("peer", "addr", "add", `${VIP}/32`, "dev", "e0");
      net.exec("host", ["ping", "-c1", "-W1", VIP]);
      assert.equal(remembered(VIP), macOf("peer"));
      net.ip("peer", "addr", "del", `${VIP}/32`, "dev", "e0");
      net.port("peer", "down");
      await takeOver();
      await until(() => learnt.some(({ floatingIp }) => floatingIp === VIP), 1000);
      console.log(JSON.stringify(learnt));
      assert.equal(remembered(VIP), macOf("here"));
      assert.equal(states()[VIP], "learnt");
    } finally {
      net.sysctl("host", "net.ipv4.neigh.e0.locktime=100");
      net.port("peer", "up");
    }
  });

  test("a reply that the node before sends on proves the opposite of what it seems to", async () => {
    net.sysctl("peer", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0");
    net.sysctl("peer", "net.ipv4.conf.e0.send_redirects=0");
    believes("permanent");
    await takeOver();
    await pause(400);
    assert.equal(states()[VIP], "pending", "it still believes in the peer");
    assert.equal(learnt.length, 0);
    // It can be told by nobody; once it may learn, it does.
    believes("stale");
    await until(() => learnt.length === 2, 3000);
    assert.deepEqual(states(), all("learnt"));
    net.sysctl("peer", "net.ipv4.ip_forward=0");
  });

  test("a neighbour that answers no echo at all is called silent after three seconds, and blamed for nothing", async () => {
    net.sysctl("host", "net.ipv4.icmp_echo_ignore_all=1", "net.ipv6.icmp.echo_ignore_all=1");
    await takeOver();
    await until(() => watched.events.length > 0, 6000);
    assert.deepEqual(states(), all("silent"));
    console.log(watched.events.map(({ event, text }) => `${event}: ${text}`).join("; "));
    assert.ok(watched.events.every(({ level }) => level === "info"));
  });

  test("after standing down nothing more is said in the floating IPs' names", async () => {
    believes("permanent");
    await takeOver();
    await pause(50);
    watched.watch.stop();
    await addresses.lower(raised);
    believes();
    await pause(300);
    assert.deepEqual([remembered(VIP), remembered(VIP6)], [macOf("peer"), macOf("peer")]);
  });

  test("an IPv6 address is answered the moment it is raised, though the node before still has it", async () => {
    net.ip("peer", "addr", "add", `${VIP6}/128`, "dev", "e0", "nodad");
    net.exec("host", ["ping", "-c1", "-W1", VIP6]);
    assert.equal(remembered(VIP6), macOf("peer"));
    try {
      await takeOver();
      const flags = net.ip("here", "-6", "addr", "show", "dev", "e0", "to", VIP6);
      assert.doesNotMatch(flags, /tentative|dadfailed/, flags);
      await until(() => learnt.some(({ floatingIp }) => floatingIp === VIP6), 2000);
      assert.equal(remembered(VIP6), macOf("here"), "the override flag did its work");
      await pause(1500);
      const later = net.ip("here", "-6", "addr", "show", "dev", "e0", "to", VIP6);
      assert.doesNotMatch(later, /tentative|dadfailed/, later);
      console.log(JSON.stringify(learnt.filter(({ floatingIp }) => floatingIp === VIP6)));
    } finally {
      net.ip("peer", "addr", "del", `${VIP6}/128`, "dev", "e0");
    }
  });

  test("the first packet that is forwarded after a take over is noticed within milliseconds", async () => {
    net.sysctl("here", "net.ipv4.ip_forward=1");
    net.ip("here", "route", "add", "10.77.0.0/24", "via", addressOf("stranger"));
    net.ip("host", "route", "add", "10.77.0.0/24", "via", addressOf("here"));
    net.exec("host", ["ping", "-c1", "-W1", addressOf("here")]);
    const seen: number[] = [];
    const watch = createForwardedWatch({
      clock: systemClock,
      read: readForwarded,
      onForwarded: (afterMs) => seen.push(afterMs),
    });
    watch.begin();
    await pause(100);
    assert.deepEqual(seen, []);
    const child = runCommand([
      "ip",
      "netns",
      "exec",
      net.namespace("host"),
      "ping",
      "-c1",
      "-W1",
      "10.77.0.9",
    ]);
    const sentAt = performance.now();
    await until(() => seen.length > 0, 2000);
    console.log(`seen ${(performance.now() - sentAt).toFixed(0)} ms after ping was started`);
    assert.equal(seen.length, 1);
    await child;
    watch.stop();
    const started = performance.now();
    for (let i = 0; i < 100; i++) readForwarded();
    console.log(`a look takes ${((performance.now() - started) * 10).toFixed(0)} µs`);
  });
});
