// heartbeat-sockets.test.ts — adverts over a real path, and packets that only raw sockets can send.
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { after, afterEach, before, describe, test } from "node:test";
import { openPacketSocket, openRawIpSocket, RawSocketError, runCommand } from "@lbpair/common";
import { type AdvertSocket, openAdvertSocket } from "@lbpair/heartbeat";
import { type Cable, layCable, pause, unsupported } from "./heartbeat-namespaces.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const PORT = 6694;

describe("sockets of the heartbeat", { skip: reason ?? false }, () => {
  let cable: Cable;
  let opened: { close(): unknown }[] = [];
  before(() => {
    cable = layCable();
  });
  afterEach(() => {
    for (const socket of opened) socket.close();
    opened = [];
  });
  after(() => cable.remove());

  const until = async (what: () => boolean, ms = 3000): Promise<void> => {
    const end = performance.now() + ms;
    while (!what() && performance.now() < end) await pause(5);
    assert.ok(what());
  };
  const keep = <T extends { close(): unknown }>(socket: T): T => {
    opened.push(socket);
    return socket;
  };
  const openEnd = (local: string, peer: string, heard: string[] = []): AdvertSocket =>
    keep(
      openAdvertSocket({
        local,
        peer,
        port: PORT,
        onDatagram: (bytes, from) => {
          heard.push(`${Buffer.from(bytes)} from ${from.address}:${from.port}`);
        },
      }),
    );
  const openBound = async (local: string, peer: string, heard: string[] = []) => {
    const socket = openEnd(local, peer, heard);
    await until(() => socket.bound);
    return socket;
  };
  /** A plain socket of the other end, at any port. */
  const openFar = (local: string): Promise<Socket> =>
    cable.openThere(async () => {
      const socket = createSocket(local.includes(":") ? "udp6" : "udp4");
      await new Promise<void>((done) => socket.bind(0, local, done));
      // Closed only once: a second close of a plain socket throws.
      opened.push(socket);
      return socket;
    });

  test("what was sent before a close is on the wire, however soon the close", async () => {
    const heard: string[] = [];
    const far = await openFar("10.9.0.2");
    far.on("message", (bytes: Buffer) => void heard.push(bytes.toString()));
    const socket = openAdvertSocket({
      local: "10.9.0.1",
      peer: "10.9.0.2",
      port: far.address().port,
      onDatagram: () => undefined,
    });
    await until(() => socket.bound);
    socket.send(Buffer.from("last word"));
    await socket.close();
    assert.equal(socket.counters.sendErrors, 0);
    await until(() => heard.length > 0);
    assert.deepEqual(heard, ["last word"]);
  });

  test("a path carries datagrams both ways, IPv4 and IPv6", async () => {
    for (const [near, far] of [
      ["10.9.0.1", "10.9.0.2"],
      ["fd00:9::1", "fd00:9::2"],
    ] as const) {
      const here: string[] = [];
      const there: string[] = [];
      const b = await cable.openThere(() => openBound(far, near, there));
      const a = await openBound(near, far, here);
      a.send(Buffer.from("one"));
      b.send(Buffer.from("two"));
      await until(() => here.length === 1 && there.length === 1);
      assert.deepEqual([here, there], [[`two from ${far}:${PORT}`], [`one from ${near}:${PORT}`]]);
      assert.equal(a.counters.sent, 1);
      await Promise.all([a.close(), b.close()]);
    }
  });

  test("an address that is missing at the start is bound when it comes; sends until then are counted", async () => {
    const socket = openEnd("10.9.0.50", "10.9.0.2");
    await until(() => socket.counters.bindErrors === 1);
    socket.send(Buffer.from("early"));
    assert.equal(socket.bound, false);
    assert.equal(socket.lastError, "EADDRNOTAVAIL");
    await runCommand(["ip", "addr", "add", "10.9.0.50/24", "dev", "e0"]);
    await until(() => socket.bound);
    await runCommand(["ip", "addr", "del", "10.9.0.50/24", "dev", "e0"]);
    socket.send(Buffer.from("gone"));
    await until(() => socket.counters.sendErrors === 1);
    await runCommand(["ip", "addr", "add", "10.9.0.50/24", "dev", "e0"]);
    socket.send(Buffer.from("back"));
    await until(() => socket.counters.sent === 1);
    console.log(JSON.stringify({ ...socket.counters, lastError: socket.lastError }));
    assert.equal(socket.counters.unbound, 1);
    await socket.close();
    await runCommand(["ip", "addr", "del", "10.9.0.50/24", "dev", "e0"]);
  });

  test("a port that another process holds is not shared with it", async () => {
    const other = createSocket("udp4");
    await new Promise<void>((done) => other.bind(PORT, "10.9.0.1", done));
    const socket = openEnd("10.9.0.1", "10.9.0.2");
    await until(() => socket.counters.bindErrors === 1);
    assert.equal(socket.lastError, "EADDRINUSE");
    other.close();
    await until(() => socket.bound);
    await socket.close();
    await socket.close();
  });

  test("an overdue timer that drains has every queued datagram before it judges", async () => {
    const heard: string[] = [];
    const socket = await openBound("10.9.0.1", "10.9.0.2", heard);
    const sender = await openFar("10.9.0.2");
    let undrained = -1;
    let drained = -1;
    await new Promise<void>((done) => {
      setTimeout(async () => {
        undrained = heard.length;
        await socket.drain();
        drained = heard.length;
        done();
      }, 20);
      // 100 datagrams: more than libuv reads of a socket in one turn of the loop.
      for (let i = 0; i < 100; i++) sender.send(`advert ${i}`, PORT, "10.9.0.1");
      setImmediate(() => {
        const end = performance.now() + 100;
        while (performance.now() < end);
      });
    });
    console.log(
      `datagrams known to the overdue timer: ${undrained} before draining, ${drained} after`,
    );
    assert.ok(undrained < 100, "the stall was real");
    assert.equal(drained, 100);
  });

  test("a drain asked for from inside a stalled I/O callback waits for the sockets too", async () => {
    const heard: string[] = [];
    const socket = await openBound("10.9.0.1", "10.9.0.2", heard);
    const sender = await openFar("10.9.0.2");
    const waker = await openFar("fd00:9::2");
    let drained: Promise<number> | undefined;
    const second = keep(
      openAdvertSocket({
        local: "fd00:9::1",
        peer: "fd00:9::2",
        port: PORT,
        onDatagram: () => {
          for (let i = 0; i < 20; i++) sender.send(`advert ${i}`, PORT, "10.9.0.1");
          const end = performance.now() + 60;
          while (performance.now() < end);
          drained = socket.drain().then(() => heard.length);
        },
      }),
    );
    await until(() => second.bound);
    waker.send("wake", PORT, "fd00:9::1");
    await until(() => drained !== undefined);
    assert.equal(await drained, 20);
  });

  test("a raw IP packet leaves as it was made, and carries its mark", async () => {
    const rules = `table ip raw_test { chain out { type filter hook output priority 0;
      meta mark 0x1234 ip daddr 10.9.0.2 udp dport 9999 counter\n }\n}\n`;
    assert.equal((await runCommand(["nft", "-f", "-"], { input: rules })).code, 0);
    const packet = Buffer.alloc(28);
    packet.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 77, 10, 9, 0, 2]);
    packet.writeUInt16BE(1234, 20);
    packet.writeUInt16BE(9999, 22);
    packet.writeUInt16BE(8, 24);
    const socket = openRawIpSocket(0x1234);
    socket.send(packet, "10.9.0.2");
    assert.throws(() => socket.send(packet, "nowhere"), /want an IPv4 address/);
    assert.throws(
      () => socket.send(packet, "203.0.113.1"),
      /sendto: ENETUNREACH: to 203\.0\.113\.1/,
    );
    socket.close();
    socket.close();
    const { stdout } = await runCommand(["nft", "list", "table", "ip", "raw_test"]);
    assert.match(stdout, /counter packets 1 bytes 28/);
    await runCommand(["nft", "delete", "table", "ip", "raw_test"]);
  });

  test("a frame for a link that is down or gone throws with the errno's name", async () => {
    const socket = openPacketSocket();
    await runCommand(["ip", "link", "add", "x1", "type", "veth", "peer", "name", "x2"]);
    const { stdout } = await runCommand(["ip", "-j", "link", "show", "x1"]);
    const [{ ifindex }] = JSON.parse(stdout) as [{ ifindex: number }];
    const frame = Buffer.alloc(60);
    const codeOf = (index: number) => {
      try {
        socket.send(index, frame);
        return "sent";
      } catch (error) {
        return error instanceof RawSocketError ? error.code : String(error);
      }
    };
    assert.equal(codeOf(ifindex), "ENETDOWN");
    await runCommand(["ip", "link", "del", "x1"]);
    assert.equal(codeOf(ifindex), "ENXIO");
    assert.equal(codeOf(cable.linkHere), "sent");
    socket.close();
  });
});
