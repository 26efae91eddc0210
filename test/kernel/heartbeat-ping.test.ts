// heartbeat-ping.test.ts — ping nodes over a real cable: asked by ICMP and ICMPv6, lost and back in time.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, afterEach, before, describe, test } from "node:test";
import {
  createIcmpPing,
  type EventLog,
  openIcmpSocket,
  PING_CYCLE_MS,
  RawSocketError,
  systemClock,
} from "@lbpair/common";
import { PingWatch } from "@lbpair/heartbeat";
import { type Cable, layCable, pause, unsupported } from "./heartbeat-namespaces.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);

describe("ping nodes", { skip: reason ?? false }, () => {
  let cable: Cable;
  let opened: { close(): void }[] = [];
  before(() => {
    cable = layCable();
  });
  afterEach(() => {
    for (const one of opened) one.close();
    opened = [];
    nftThere("flush ruleset");
  });
  after(() => cable.remove());

  const nftThere = (rules: string): void => {
    execFileSync("ip", ["netns", "exec", cable.there, "nft", "-f", "-"], { input: rules });
  };

  const until = async (what: () => boolean, ms: number): Promise<number> => {
    const begun = performance.now();
    while (!what() && performance.now() - begun < ms) await pause(5);
    assert.ok(what());
    return performance.now() - begun;
  };

  const watch = (addresses: readonly string[]) => {
    const told: string[] = [];
    const events: Pick<EventLog, "record"> = {
      record: (_level, event, text) => void told.push(`${event}: ${text}`),
    };
    let changes = 0;
    const pings = new PingWatch({
      clock: systemClock,
      events: events as EventLog,
      ping: createIcmpPing(),
      onChange: () => {
        changes += 1;
      },
    });
    opened.push(pings);
    pings.plan(addresses);
    return { pings, told, changes: () => changes };
  };

  test("a host that is there answers by IPv4 and IPv6 at once", async () => {
    const { pings } = watch(["10.9.0.2", "fd00:9::2"]);
    const took = await until(() => pings.status().every(({ answers }) => answers === true), 3000);
    console.log(`both known after ${took.toFixed(0)} ms: ${JSON.stringify(pings.status())}`);
    assert.ok(took < 400);
    assert.equal(pings.lost, 0);
  });

  test("a host that goes away is lost within one cycle, is told once, and comes back", async () => {
    const { pings, told, changes } = watch(["10.9.0.2", "fd00:9::2"]);
    await until(() => pings.status().every(({ answers }) => answers === true), 3000);
    nftThere(
      "table inet deaf { chain in { type filter hook input priority 0; meta l4proto { icmp, ipv6-icmp } drop; }; }",
    );
    const lost = await until(() => pings.lost === 2, 6000);
    await pause(1500);
    nftThere("flush ruleset");
    const back = await until(() => pings.lost === 0, 8000);
    console.log(`lost after ${lost.toFixed(0)} ms, back after ${back.toFixed(0)} ms`);
    console.log(told.join("\n"));
    assert.ok(lost <= PING_CYCLE_MS + 300, "a machine under load is somewhat late");
    assert.equal(told.length, 4);
    assert.ok(changes() >= 2 && changes() <= 4);
  });

  test("a host that nobody has a route to, or that never was, is lost; configured no more it is not", async () => {
    const { pings } = watch(["203.0.113.1", "10.9.0.77"]);
    await until(() => pings.lost === 2, 4000);
    pings.plan(["10.9.0.77"]);
    assert.equal(pings.lost, 1);
    pings.plan([]);
    assert.equal(pings.lost, 0);
  });

  test("a firewall on the way out is a host that is not reached, and no socket at all is nobody's loss", async () => {
    const rules =
      "table inet mute { chain out { type filter hook output priority 0; ip daddr 10.9.0.2 drop; }; }\n";
    execFileSync("nft", ["-f", "-"], { input: rules });
    const { pings, told } = watch(["10.9.0.2"]);
    await until(() => pings.lost === 1, 4000);
    execFileSync("nft", ["delete", "table", "inet", "mute"]);
    await until(() => pings.lost === 0, 4000);
    assert.deepEqual(
      told.map((text) => text.split(":")[0]),
      ["ping-lost", "ping-back"],
    );

    const events: string[] = [];
    let may = false;
    const unable = new PingWatch({
      clock: systemClock,
      events: { record: (_: string, event: string) => void events.push(event) } as never,
      ping: createIcmpPing((family) => {
        if (!may) throw new RawSocketError("socket", 1, "needs CAP_NET_RAW");
        return openIcmpSocket(family);
      }),
      onChange: () => undefined,
    });
    opened.push(unable);
    unable.plan(["10.9.0.2"]);
    await pause(4200);
    assert.deepEqual(
      [unable.lost, events, unable.status()[0]?.answers],
      [0, ["ping-impossible"], null],
    );
    may = true;
    await until(() => unable.status()[0]?.answers === true, 3000);
  });

  test("somebody else's pings and a flood of strange ICMP bring nothing in", async () => {
    const ping = createIcmpPing();
    opened.push(ping);
    const strange = openIcmpSocket(4);
    opened.push(strange);
    ping.ask("10.9.0.2", 7);
    await pause(50);
    assert.deepEqual(ping.read(), [7]);
    for (let i = 0; i < 100; i += 1) {
      const message = Buffer.alloc(8 + (i % 20), i);
      message.writeUInt8(i % 2 === 0 ? 0 : 8, 0);
      strange.send(message, "10.9.0.1");
    }
    execFileSync("ping", ["-c", "2", "-i", "0.2", "10.9.0.2"], { stdio: "ignore" });
    assert.deepEqual(ping.read(), []);
  });

  test("it looks at the socket only while an answer is awaited", async () => {
    let reads = 0;
    const real = createIcmpPing();
    const pings = new PingWatch({
      clock: systemClock,
      events: { record: () => undefined } as unknown as EventLog,
      ping: {
        ...real,
        read: () => {
          reads += 1;
          return real.read();
        },
      },
      onChange: () => undefined,
    });
    opened.push(pings);
    pings.plan(["10.9.0.2"]);
    await pause(3100);
    console.log(`${reads} looks in three seconds with four questions`);
    assert.ok(reads < 40);
  });
});
