// heartbeat-addresses.test.ts — floating IPs go on and off real links, and are announced.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { openPacketReceiver, type Run, runCommand } from "@lbpair/common";
import {
  type Addresses,
  AddressesError,
  type Announced,
  createAddresses,
  createAnnouncer,
  createIpSession,
  ETHER_TYPE_ARP,
  type RaisedAddress,
} from "@lbpair/heartbeat";
import { type Cable, describeTimes, layCable, pause, unsupported } from "./heartbeat-namespaces.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const floating = (last: number, lifetimeSeconds: number | null = null): RaisedAddress[] => [
  { address: `10.9.0.${last}`, prefix: 32, link: "e0", lifetimeSeconds },
  { address: `fd00:9::${last}`, prefix: 128, link: "e0", lifetimeSeconds },
];
const BOTH = floating(100);

describe("floating IPs on a link", { skip: reason ?? false }, () => {
  let cable: Cable;
  let addresses: Addresses;
  let commands: (readonly string[])[] = [];
  const counting: Run = (argv, options) => {
    commands.push(argv);
    return runCommand(argv, options);
  };
  const held = async () =>
    (await addresses.present())
      .filter(({ prefix }) => prefix === 32 || prefix === 128)
      .filter(({ link }) => link === "e0")
      .map(({ address, validLifetimeSeconds }) => `${address} ${validLifetimeSeconds}`);

  before(() => {
    cable = layCable();
  });
  after(() => cable.remove());
  beforeEach(async () => {
    addresses = createAddresses(counting);
    await addresses.lower([...BOTH, ...floating(101)]);
    commands = [];
  });

  test("any number is raised by one process, and raising twice changes nothing", async () => {
    const many = [100, 101].flatMap((last) => floating(last));
    await addresses.raise(many);
    assert.deepEqual(commands, [["ip", "-force", "-batch", "-"]]);
    const first = await held();
    await addresses.raise(many);
    assert.deepEqual(await held(), first);
    assert.deepEqual([...first].sort(), many.map(({ address }) => `${address} null`).sort());
    await addresses.lower(many);
    await addresses.lower(many);
    assert.deepEqual(await held(), []);
    await addresses.raise([]);
  });

  test("an IPv6 floating IP answers at once and is never the node's own source", async () => {
    await addresses.raise(BOTH);
    const started = performance.now();
    const ping = await runCommand([
      "ip",
      "netns",
      "exec",
      cable.there,
      "ping",
      "-c1",
      "-W1",
      "fd00:9::100",
    ]);
    console.log(
      `fd00:9::100 answered ${(performance.now() - started).toFixed(0)} ms after the question`,
    );
    assert.equal(ping.code, 0, ping.stdout);
    const route = await runCommand(["ip", "-j", "route", "get", "fd00:9::2"]);
    assert.match(route.stdout, /"prefsrc":"fd00:9::1"/);
  });

  test("a failure names address and link, and the others are raised", async () => {
    const lost: RaisedAddress = {
      address: "10.9.0.101",
      prefix: 32,
      link: "e9",
      lifetimeSeconds: null,
    };
    await assert.rejects(addresses.raise([lost, ...BOTH]), (error) => {
      assert.ok(error instanceof AddressesError);
      console.log(error.message);
      assert.match(error.message, /^cannot raise 10\.9\.0\.101 on e9 \(Cannot find device "e9"\)$/);
      return true;
    });
    assert.equal((await held()).length, 2);
    await addresses.lower([lost, ...BOTH]);
    assert.deepEqual(await held(), []);
  });

  test("a lifetime ends by itself and is prolonged by asking again", async () => {
    await addresses.raise(floating(100, 1));
    await pause(600);
    await addresses.prolong(floating(100, 1));
    await pause(600);
    assert.deepEqual((await held()).length, 2, "1.2 s after the first, 0.6 s after the second");
    const end = performance.now() + 5000;
    while ((await held()).length > 0 && performance.now() < end) await pause(50);
    assert.deepEqual(await held(), []);
    await addresses.raise(floating(100, 30));
    await addresses.raise(BOTH);
    assert.ok(
      (await held()).every((each) => each.endsWith(" null")),
      "from limited to for ever",
    );
  });

  test("prolonging by a session needs no process each time, and follows links made anew", async () => {
    const session = createIpSession({ answerMs: 1000 });
    addresses = createAddresses(counting, session);
    await addresses.networks();
    commands = [];
    for (let i = 0; i < 3; i++) await addresses.prolong(floating(100, 2 + i));
    assert.deepEqual(commands, []);
    assert.equal((await held()).length, 2);
    const x1: RaisedAddress[] = [
      { address: "10.9.8.1", prefix: 32, link: "x1", lifetimeSeconds: 9 },
    ];
    for (const time of ["first", "again"]) {
      await runCommand(["ip", "link", "add", "x1", "type", "veth", "peer", "name", "x2"]);
      await addresses.prolong(x1);
      const on = (await addresses.present()).find(({ address }) => address === "10.9.8.1");
      console.log(`${time}: ${JSON.stringify(on)}`);
      assert.equal(on?.link, "x1");
      await runCommand(["ip", "link", "del", "x1"]);
    }
    await assert.rejects(addresses.prolong(x1), AddressesError);
    session.close();
  });

  test("calls happen in the order they were made, also when an early one is slow", async () => {
    let slowness = 120;
    addresses = createAddresses(async (argv, options) => {
      slowness -= 30;
      await pause(slowness);
      return runCommand(argv, options);
    });
    const calls = [addresses.raise(BOTH), addresses.lower(BOTH), addresses.prolong(floating(101))];
    calls.push(addresses.lower(floating(101)));
    await Promise.all(calls);
    assert.deepEqual(await held(), []);
  });

  test("networks tell each link's index, MAC, carrier and own addresses", async () => {
    const e0 = () => addresses.networks().then((links) => links.find(({ link }) => link === "e0"));
    const link = await e0();
    assert.equal(link?.index, cable.linkHere);
    assert.equal(link?.mac, cable.macHere);
    assert.equal(link?.carrier, true);
    assert.ok(link?.networks.some((own) => own.address === "10.9.0.1" && own.prefixLength === 24));
    assert.equal((await addresses.networks()).find((each) => each.link === "lo")?.mac, undefined);
    // Its own cable: a link that was down is deaf to IPv6 multicast for a while.
    const x1 = () => addresses.networks().then((links) => links.find((each) => each.link === "x1"));
    await runCommand(["ip", "link", "add", "x1", "up", "type", "veth", "peer", "name", "x2"]);
    assert.equal((await x1())?.carrier, false);
    await runCommand(["ip", "link", "set", "x2", "up"]);
    assert.equal((await x1())?.carrier, true);
    await runCommand(["ip", "link", "del", "x1"]);
    assert.equal(await x1(), undefined);
  });

  test("raising and announcing takes a few milliseconds and reaches the neighbour", async () => {
    const announcer = createAnnouncer({ atMs: [0] });
    await pause(150);
    const targets: Announced[] = BOTH.map(({ address }) => ({
      address,
      linkIndex: cable.linkHere,
      mac: cable.macHere,
    }));
    const stale = () => {
      for (const { address } of BOTH) {
        cable.ipThere(
          "neigh",
          "replace",
          address,
          "lladdr",
          "02:00:00:00:00:99",
          "dev",
          "e0",
          "nud",
          "stale",
        );
      }
    };
    const times: number[] = [];
    for (let i = 0; i < 10; i++) {
      await addresses.lower(BOTH);
      stale();
      const started = performance.now();
      await addresses.raise(BOTH);
      announcer.announce(targets);
      times.push(performance.now() - started);
      await pause(5);
      const table = cable.ipThere("neigh", "show", "dev", "e0");
      for (const { address } of BOTH) {
        assert.match(table, new RegExp(`^${address} lladdr ${cable.macHere}`, "m"), table);
      }
    }
    announcer.close();
    console.log(`raise + announce of two: ${describeTimes(times)}`);
    const median = times.sort((a, b) => a - b)[5] ?? 999;
    assert.ok(median < 250, `median ${median} ms`);
  });

  test("a burst keeps its schedule, goes on with the link down, and ends when stopped", async () => {
    const heard: number[] = [];
    let started = 0;
    const receiver = await cable.openThere(() =>
      openPacketReceiver(
        cable.linkThere,
        ETHER_TYPE_ARP,
        (frame) => {
          if (frame[31] === 100 && frame[21] === 2) heard.push(performance.now() - started);
        },
        { pollMs: 1 },
      ),
    );
    const announcer = createAnnouncer();
    await pause(150);
    const target = { address: "10.9.0.100", linkIndex: cable.linkHere, mac: cable.macHere };
    started = performance.now();
    announcer.announce([target]);
    await pause(500);
    announcer.announce([target]);
    await pause(30);
    announcer.stop();
    await pause(200);
    console.log(
      `replies heard at ${heard.map((at) => at.toFixed(0)).join(", ")} ms; replaced at 500, stopped at 530`,
    );
    assert.equal(heard.length, 7, "0, 20, 70, 170, 370; 500, 520");
    announcer.announce([{ ...target, linkIndex: 4242 }, target]);
    announcer.stop();
    await pause(10);
    assert.equal(
      heard.length,
      8,
      "an address on a lost link does not keep the next from being announced",
    );
    assert.match(announcer.lastError, /ENXIO|ENODEV/);
    receiver.close();
    announcer.close();
  });
});
