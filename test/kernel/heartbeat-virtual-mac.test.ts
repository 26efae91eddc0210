// heartbeat-virtual-mac.test.ts — a device with a virtual MAC: silent without the lease, and what it lets in when.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import {
  millis,
  openPacketReceiver,
  openPacketSocket,
  type PacketReceiver,
  type PacketSocket,
  runCommand,
} from "@lbpair/common";
import {
  createAddresses,
  createLease,
  createVirtualLinks,
  DUMMY_ADDRESS,
  gratuitousArp,
  type Lease,
  macBytes,
  type RaisedAddress,
  unsolicitedAdvertisement,
  type VirtualMac,
} from "@lbpair/heartbeat";
import { type Cable, layCable, pause, unsupported } from "./heartbeat-namespaces.js";
import { ALL, MAC, OPEN_TCP, packet, THROWN, VIP, VIP6 } from "./virtual-mac-frames.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const VIRTUAL: VirtualMac = { link: "e0", device: "lbv-e0", mac: MAC, addresses: [VIP, VIP6] };
const RAISED: RaisedAddress[] = [
  { address: VIP, prefix: 32, link: "lbv-e0", lifetimeSeconds: null },
  { address: VIP6, prefix: 128, link: "lbv-e0", lifetimeSeconds: null },
];
const ETH_P_ALL = 3;

describe("a virtual MAC", { skip: reason ?? false }, () => {
  let cable: Cable;
  let lease: Lease;
  let here: PacketSocket;
  let there: PacketSocket;
  let outside: PacketReceiver;
  /** Frames that came out of the node with the virtual MAC as their source. */
  let spoken: string[] = [];
  const devices = createVirtualLinks(runCommand);
  const addresses = createAddresses(runCommand);

  before(async () => {
    cable = layCable();
    here = openPacketSocket();
    there = await cable.openThere(() => openPacketSocket());
    outside = await cable.openThere(() =>
      openPacketReceiver(
        cable.linkThere,
        ETH_P_ALL,
        (frame) => {
          if (frame.subarray(6, 12).equals(Buffer.from(macBytes(MAC)))) {
            spoken.push(frame.toString("hex", 12, 60));
          }
        },
        { pollMs: 1 },
      ),
    );
  });
  after(() => {
    outside?.close();
    here?.close();
    there?.close();
    cable?.remove();
  });
  beforeEach(async () => {
    lease = createLease({ run: runCommand });
    await lease.open(["e0"], [VIP, VIP6], [VIRTUAL]);
    assert.deepEqual([...(await devices.make([VIRTUAL], []))], []);
    spoken = [];
  });
  afterEach(async () => {
    lease.close();
    await devices.remove(["lbv-e0"]);
    await runCommand(["nft", "flush", "ruleset"]);
  });

  const device = async () =>
    (await addresses.networks()).find(({ link }) => link === VIRTUAL.device);
  /** Everything that could make a device speak: addresses, solicitations, questions, raw frames. */
  async function provoke(): Promise<void> {
    const link = (await device())?.index ?? 0;
    await addresses.raise(RAISED);
    for (const frame of [
      gratuitousArp(VIP, MAC, "request"),
      gratuitousArp(VIP, MAC, "reply"),
      unsolicitedAdvertisement(VIP6, MAC),
      packet(VIP, "udp"),
    ]) {
      frame.set(macBytes(MAC), 6);
      for (const index of [link, cable.linkHere]) {
        try {
          here.send(index, frame);
        } catch {
          // The gate's refusal.
        }
      }
    }
    cable.ipThere("neigh", "flush", "dev", "e0");
    await Promise.all([
      runCommand(["ip", "netns", "exec", cable.there, "ping", "-c2", "-i0.3", "-W1", VIP]),
      runCommand(["ip", "netns", "exec", cable.there, "ping", "-c2", "-i0.3", "-W1", VIP6]),
      runCommand(["ping", "-c1", "-W1", "-I", VIRTUAL.device, "10.9.0.2"]),
      runCommand(["ping", "-c1", "-W1", "-I", VIRTUAL.device, "fd00:9::2"]),
    ]);
    await addresses.lower(RAISED);
  }
  /** Throws every kind of packet at the virtual MAC; answers with what the device received. */
  async function letIn(): Promise<string[]> {
    const got: string[] = [];
    const index = (await device())?.index ?? 0;
    const receiver = openPacketReceiver(
      index,
      ETH_P_ALL,
      (frame) => {
        const found = Object.entries(THROWN).find(([, thrown]) => frame.equals(thrown));
        if (found !== undefined) got.push(found[0]);
      },
      { pollMs: 1 },
    );
    for (const frame of Object.values(THROWN)) there.send(cable.linkThere, frame);
    await pause(30);
    receiver.poll();
    receiver.close();
    return got;
  }

  test("without the lease not one frame leaves by it in four seconds, with IPv6 on, whatever provokes it", async () => {
    const began = performance.now();
    while (performance.now() - began < 4000) await provoke();
    console.log(`${((performance.now() - began) / 1000).toFixed(1)} s: ${spoken.length} frames`);
    assert.equal(spoken.join("\n"), "");
    // A lease that is given back ends it too, at once.
    await lease.grant(millis(60_000));
    await lease.revoke();
    spoken = [];
    await provoke();
    assert.equal(spoken.join("\n"), "");
    // The same with the lease: the silence was the gate's, not the test's.
    await lease.grant(millis(5000));
    await provoke();
    const types = new Set(spoken.map((frame) => frame.slice(0, 4)));
    console.log(`with the lease: ${spoken.length} frames of ${[...types].join(", ")}`);
    assert.deepEqual([...types].sort(), ["0800", "0806", "86dd"]);
  });

  test("a device is silent from its first moment on: made and remade twenty times, nothing is heard", async () => {
    for (let i = 0; i < 20; i += 1) {
      await devices.remove(["lbv-e0"]);
      await devices.make([VIRTUAL], []);
      await addresses.raise(RAISED);
    }
    await pause(300);
    assert.deepEqual(spoken, []);
  });

  test("while the peer lives only open TCP connections are let in; all is, with the lease or on suspicion", async () => {
    assert.deepEqual(await letIn(), OPEN_TCP);
    await lease.letThrough(millis(300));
    assert.deepEqual(await letIn(), ALL, "the peer is late");
    await lease.letThrough(null);
    assert.deepEqual(await letIn(), OPEN_TCP, "it was heard again");
    await lease.grant(millis(100));
    assert.deepEqual(await letIn(), ALL, "active");
    await lease.revoke();
    assert.deepEqual(await letIn(), ALL, "handing over: it goes on forwarding");
    await lease.letThrough(null);
    assert.deepEqual(await letIn(), OPEN_TCP, "stood down");
  });

  test("a daemon that dies in a suspicion leaves the way shut; one that dies active leaves it open past its lease", async () => {
    await lease.letThrough(millis(150));
    lease.close();
    await pause(200);
    assert.deepEqual(await letIn(), OPEN_TCP);
    lease = createLease({ run: runCommand });
    await lease.open(["e0"], [VIP, VIP6], [VIRTUAL]);
    await lease.grant(millis(100));
    lease.close();
    await pause(200);
    assert.equal(await createLease({ run: runCommand }).remaining(), null, "the lease has ended");
    assert.deepEqual(await letIn(), ALL);
  });

  test("a neighbour learns the virtual MAC and no other, from whichever device an answer comes", async () => {
    await lease.grant(millis(10_000));
    await addresses.raise(RAISED);
    // Somebody left the addresses on the link itself as well, with settings that answer for all.
    await addresses.raise(RAISED.map((one) => ({ ...one, link: "e0" })));
    for (const link of ["e0", "all"]) {
      await runCommand(["sysctl", "-qw", `net.ipv4.conf.${link}.arp_ignore=0`]);
    }
    for (let i = 0; i < 10; i += 1) {
      cable.ipThere("neigh", "flush", "dev", "e0");
      await Promise.all(
        [VIP, VIP6].map((address) =>
          runCommand(["ip", "netns", "exec", cable.there, "ping", "-c1", "-W1", address]),
        ),
      );
      const table = cable.ipThere("neigh", "show", "dev", "e0");
      assert.match(table, new RegExp(`^${VIP} lladdr ${MAC}`, "m"), table);
      assert.match(table, new RegExp(`^${VIP6} lladdr ${MAC}`, "m"), table);
    }
    await addresses.lower(RAISED.map((one) => ({ ...one, link: "e0" })));
  });

  test("the device is ours by name and alias, has no address the kernel made up, and what it needs at once", async () => {
    const { stdout } = await runCommand(["ip", "-d", "-j", "link", "show", VIRTUAL.device]);
    assert.match(stdout, /"ifalias":"lbpair-virtual-mac"/);
    assert.match(stdout, /"mode":"private"/);
    const found = await device();
    assert.deepEqual(found?.networks, [{ address: DUMMY_ADDRESS, prefixLength: 32 }]);
    assert.deepEqual(found?.over, { link: "e0", up: true });
    assert.equal(found?.mac, MAC);
    for (const [key, value] of [
      ["ipv4.conf.lbv-e0.rp_filter", "0"],
      ["ipv4.conf.lbv-e0.arp_ignore", "1"],
      ["ipv4.conf.lbv-e0.arp_announce", "2"],
      ["ipv6.conf.lbv-e0.accept_ra", "0"],
      ["ipv6.conf.lbv-e0.disable_ipv6", "0"],
    ]) {
      const said = await runCommand(["sysctl", "-n", `net.${key}`]);
      assert.equal(said.stdout.trim(), value, key);
    }
    assert.deepEqual([...(await devices.make([VIRTUAL], []))], [], "a second time changes nothing");
    await devices.make([{ ...VIRTUAL, mac: "02:5e:00:00:00:01" }], ["lbv-e0"]);
    assert.equal((await device())?.mac, "02:5e:00:00:00:01");
  });

  test("where a macvlan cannot be, the link and the reason are told", async () => {
    const missing = { ...VIRTUAL, link: "e9", device: "lbv-e9" };
    await runCommand(["ip", "link", "add", "br0", "type", "bridge"]);
    await runCommand(["ip", "link", "add", "x1", "type", "veth", "peer", "name", "x2"]);
    await runCommand(["ip", "link", "set", "x1", "master", "br0"]);
    const port = { ...VIRTUAL, link: "x1", device: "lbv-x1" };
    const failed = await devices.make([missing, port, VIRTUAL], []);
    console.log([...failed].map(([link, why]) => `${link}: ${why}`).join("\n"));
    assert.deepEqual([...failed.keys()], ["e9", "x1"]);
    for (const link of ["x1", "br0"]) await runCommand(["ip", "link", "del", link]);
  });

  test("the gate is left alone when nothing changes, and without virtual MACs its rules go", async () => {
    assert.deepEqual(await lease.open(["e0"], [VIP, VIP6], [VIRTUAL]), { changed: false });
    await lease.grant(millis(10_000));
    assert.deepEqual(await lease.open(["e0"], [VIP, VIP6]), { changed: true });
    assert.equal(await lease.refresh(millis(10_000)), "held", "the lease went on");
    const { stdout } = await runCommand(["nft", "list", "table", "netdev", "lbpair_gate"]);
    assert.doesNotMatch(stdout, /ingress|arrival|virtual/);
    assert.deepEqual(await lease.open(["e0"], [VIP, VIP6]), { changed: false });
    assert.deepEqual(await lease.open(["e0"], [VIP, VIP6], [VIRTUAL]), { changed: true });
    assert.equal(await lease.refresh(millis(10_000)), "held");
  });

  test("without the netdev egress hook there is no virtual MAC, and the reason is told", async () => {
    const output = createLease({ run: runCommand, hook: "output" });
    await assert.rejects(output.open(["e0"], [VIP], [VIRTUAL]), /needs nftables' netdev egress/);
    output.close();
  });
});
