// heartbeat-lease.test.ts — the gate before the floating IPs opens for a lease and closes by itself.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import {
  millis,
  openPacketReceiver,
  openPacketSocket,
  type PacketReceiver,
  type PacketSocket,
  RawSocketError,
  runCommand,
} from "@lbpair/common";
import {
  createLease,
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV6,
  gratuitousArp,
  type Lease,
  unsolicitedAdvertisement,
} from "@lbpair/heartbeat";
import { type Cable, describeTimes, layCable, pause, unsupported } from "./heartbeat-namespaces.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const VIP = "10.9.0.100";
const VIP6 = "fd00:9::100";
const TARGET = Buffer.from("fd000009000000000000000000000100", "hex");
const nft = (...args: string[]) => runCommand(["nft", ...args]);

describe("the kernel's lease", { skip: reason ?? false }, () => {
  let cable: Cable;
  let lease: Lease;
  let socket: PacketSocket;
  let receivers: PacketReceiver[] = [];
  /** When a frame that speaks for a floating IP arrived at the other end. */
  let claims: { at: number; what: string }[] = [];

  before(async () => {
    cable = layCable();
    socket = openPacketSocket();
    receivers = await cable.openThere(() => [
      openPacketReceiver(cable.linkThere, ETHER_TYPE_ARP, hearArp, { pollMs: 1 }),
      openPacketReceiver(cable.linkThere, ETHER_TYPE_IPV6, hearNeighbour, { pollMs: 1 }),
    ]);
  });
  after(() => {
    for (const receiver of receivers) receiver.close();
    socket.close();
    cable.remove();
  });
  beforeEach(async () => {
    lease = createLease({ run: runCommand });
    await lease.open(["e0"], [VIP, VIP6]);
  });
  afterEach(async () => {
    lease.close();
    await nft("flush", "ruleset");
    await runCommand(["ip", "addr", "del", `${VIP}/32`, "dev", "e0"]);
    await runCommand(["ip", "addr", "del", `${VIP6}/128`, "dev", "e0"]);
  });

  function hearArp(frame: Buffer): void {
    if (frame.subarray(28, 32).join(".") !== VIP) return;
    claims.push({ at: performance.now(), what: frame[21] === 1 ? "arp request" : "arp reply" });
  }
  function hearNeighbour(frame: Buffer): void {
    const type = frame[54];
    if (frame[20] !== 58) return;
    const claimed = type === 136 ? frame.subarray(62, 78) : frame.subarray(22, 38);
    if ((type === 136 || type === 135) && claimed.equals(TARGET)) {
      claims.push({ at: performance.now(), what: type === 136 ? "advertisement" : "solicitation" });
    }
  }
  /** Claims of every kind, sent past the network stack and by it, for `ms`. */
  async function claimFor(ms: number): Promise<{ at: number; what: string }[]> {
    claims = [];
    const end = performance.now() + ms;
    while (performance.now() < end) {
      for (const frame of [
        gratuitousArp(VIP, cable.macHere, "request"),
        gratuitousArp(VIP, cable.macHere, "reply"),
        unsolicitedAdvertisement(VIP6, cable.macHere),
      ]) {
        try {
          socket.send(cable.linkHere, frame);
        } catch (error) {
          // What the gate drops, the kernel tells the sender of as a full queue.
          assert.equal(error instanceof RawSocketError && error.code, "ENOBUFS");
        }
      }
      await pause(5);
    }
    await pause(5);
    return claims;
  }
  const kinds = (seen: readonly { what: string }[]) =>
    [...new Set(seen.map(({ what }) => what))].sort();

  test("no frame claims a floating IP before the lease or after it", async () => {
    assert.equal(lease.hook, "egress", "found by trying");
    assert.deepEqual(await claimFor(60), []);
    const granted = performance.now();
    assert.equal(await lease.grant(millis(150)), "held");
    const seen = await claimFor(400);
    const last = Math.max(...seen.map(({ at }) => at)) - granted;
    console.log(`lease of 150 ms: ${seen.length} claims, the last after ${last.toFixed(1)} ms`);
    assert.deepEqual(kinds(seen), ["advertisement", "arp reply", "arp request"]);
    assert.ok(last > 100 && last < 300, `the last claim came after ${last} ms`);
  });

  test("what the kernel itself would answer or ask is dropped without a lease too", async () => {
    await runCommand(["ip", "addr", "add", `${VIP}/32`, "dev", "e0"]);
    await runCommand(["ip", "addr", "add", `${VIP6}/128`, "dev", "e0", "nodad"]);
    const ask = async () => {
      claims = [];
      cable.ipThere("neigh", "flush", "dev", "e0");
      await runCommand(["ip", "neigh", "flush", "dev", "e0"]);
      await Promise.all([
        runCommand(["ip", "netns", "exec", cable.there, "ping", "-c1", "-W1", VIP]),
        runCommand(["ip", "netns", "exec", cable.there, "ping", "-c1", "-W1", VIP6]),
        runCommand(["ping", "-c1", "-W1", "-I", VIP, "10.9.0.77"]),
        runCommand(["ping", "-c1", "-W1", "-I", VIP6, "fd00:9::77"]),
      ]);
      return kinds(claims);
    };
    assert.deepEqual(await ask(), []);
    assert.equal(await lease.grant("unlimited"), "held");
    assert.deepEqual(await ask(), ["advertisement", "arp reply", "arp request", "solicitation"]);
  });

  test("a refresh extends a living lease and never revives a lapsed one", async () => {
    assert.equal(await lease.refresh(millis(500)), "lapsed", "before any grant");
    assert.equal(await lease.grant(millis(80)), "held");
    for (let i = 0; i < 5; i++) {
      await pause(40);
      assert.equal(await lease.refresh(millis(80)), "held");
    }
    await pause(82);
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await lease.refresh(millis(500)));
    console.log(`2 ms after the end: ${answers.join(", ")}; ${lease.lastRefusal.split("\n")[0]}`);
    assert.deepEqual(answers, ["lapsed", "lapsed", "lapsed"]);
    assert.equal(await lease.remaining(), null);
    assert.deepEqual(await claimFor(30), []);
  });

  test("a grant works whether or not there is a lease, longer, shorter and for ever", async () => {
    assert.equal(await lease.remaining(), null);
    for (const length of [millis(5000), millis(300), "unlimited", millis(700)] as const) {
      assert.equal(await lease.grant(length), "held");
      const left = await lease.remaining();
      console.log(`granted ${length}, left ${left}`);
      if (length === "unlimited") assert.equal(left, "unlimited");
      else assert.ok(typeof left === "number" && left > length - 100 && left <= length);
    }
    assert.equal(await lease.refresh("unlimited"), "held");
    assert.equal(await lease.remaining(), "unlimited");
    assert.equal(await lease.revoke(), "held");
    assert.equal(await lease.remaining(), null);
    assert.equal(await lease.revoke(), "held", "revoking nothing is fine");
  });

  test("a second open changes nothing; another address changes the gate and not the lease", async () => {
    await lease.grant(millis(10_000));
    await pause(50);
    const left = async () => Number(await lease.remaining());
    const before_ = await left();
    assert.deepEqual(await lease.open(["e0"], [VIP6, VIP]), { changed: false });
    assert.deepEqual(await lease.open(["e0"], [VIP]), { changed: true });
    assert.deepEqual(await lease.open(["e0", "lo"], [VIP, VIP6, "10.9.0.101"]), { changed: true });
    assert.deepEqual(await lease.open(["e0", "lo"], ["10.9.0.101", VIP, VIP6]), { changed: false });
    assert.deepEqual(await lease.open(["lo"], [VIP]), { changed: true });
    const { stdout } = await nft("list", "table", "netdev", "lbpair_gate");
    assert.equal(stdout.match(/hook egress/g)?.length, 1, "the chain of e0 is gone");
    const after_ = await left();
    console.log(`lease left before ${before_} ms, after five opens ${after_} ms`);
    assert.ok(after_ < before_ && after_ > before_ - 2000);
    await assert.rejects(lease.open(["e9"], [VIP]), /e9: there is no such link/);
  });

  test("a link made again under the same name is gated again", async () => {
    const make = () =>
      runCommand(["ip", "link", "add", "x.1", "type", "veth", "peer", "name", "x2"]);
    await make();
    await lease.open(["e0", "x.1"], [VIP]);
    await runCommand(["ip", "link", "del", "x.1"]);
    await make();
    assert.deepEqual(await lease.open(["e0", "x.1"], [VIP]), { changed: true });
    const { stdout } = await nft("list", "table", "netdev", "lbpair_gate");
    assert.equal(stdout.match(/device "x\.1"/g)?.length, 1, stdout);
    await runCommand(["ip", "link", "del", "x.1"]);
  });

  test("a flushed ruleset is told as table-missing and mended by open and grant", async () => {
    await lease.grant("unlimited");
    await nft("flush", "ruleset");
    assert.equal(await lease.refresh(millis(800)), "table-missing");
    assert.equal(await lease.grant(millis(800)), "table-missing");
    const started = performance.now();
    assert.deepEqual(await lease.open(["e0"], [VIP, VIP6]), { changed: true });
    assert.deepEqual(await claimFor(20), [], "the gate is back before the lease is");
    assert.equal(await lease.grant(millis(800)), "held");
    assert.equal(await lease.refresh(millis(800)), "held");
    console.log(
      `table back and lease granted in ${(performance.now() - started - 25).toFixed(1)} ms`,
    );
  });

  test("an nft that dies or hangs costs one answer; the next refresh has a new one", async () => {
    await lease.grant(millis(5000));
    const below = async (parents: string, name: string) =>
      (await runCommand(["pgrep", "-d,", "-P", parents, "-x", name])).stdout.trim();
    // The older one is asked; the other waits in its shell.
    const children = async () =>
      (await below(await below(`${process.pid}`, "sh"), "nft")).split(",").filter(Boolean);
    const [first] = await children();
    process.kill(Number(first), "SIGKILL");
    await pause(30);
    assert.equal(await lease.refresh(millis(5000)), "held", "killed between two refreshes");
    const [second] = await children();
    process.kill(Number(second), "SIGSTOP");
    const started = performance.now();
    assert.equal(await lease.refresh("unlimited"), "no-answer");
    const waited = performance.now() - started;
    assert.equal(await lease.refresh(millis(5000)), "held");
    assert.notEqual(await lease.remaining(), "unlimited", "the unanswered refresh never happens");
    console.log(
      `no answer after ${waited.toFixed(0)} ms, then held; children started again: ${lease.restarts}`,
    );
    assert.ok(waited >= 150 && waited < 400);
    assert.equal(lease.restarts, 2);
  });

  test("a stalled event loop does not turn an answer into no-answer", async () => {
    await lease.grant(millis(5000));
    const answer = lease.refresh(millis(5000));
    await new Promise<void>((resume) => setImmediate(resume));
    const end = performance.now() + 400;
    while (performance.now() < end);
    assert.equal(await answer, "held");
  });

  test("a refresh takes a few milliseconds, also beside a table of 70,000 elements", async () => {
    await lease.grant(millis(10_000));
    const measure = async (): Promise<number[]> => {
      const times: number[] = [];
      for (let i = 0; i < 100; i++) {
        await pause(5);
        const started = performance.now();
        assert.equal(await lease.refresh(millis(10_000)), "held");
        times.push(performance.now() - started);
      }
      return times;
    };
    console.log(`refresh: ${describeTimes(await measure())}`);
    const element = (n: number) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255} . tcp . 80 : ${n}`;
    const elements = Array.from({ length: 70_000 }, (_, n) => element(n)).join(",\n");
    const key = "ipv4_addr . inet_proto . inet_service : mark";
    const input = `table ip big { map m { type ${key}\n elements = { ${elements} }\n }\n }\n`;
    assert.equal((await runCommand(["nft", "-f", "-"], { input })).code, 0);
    const beside = await measure();
    console.log(`refresh beside 70,000 elements: ${describeTimes(beside)}`);
    const median = beside.sort((a, b) => a - b)[50] ?? 999;
    assert.ok(median < 25, `median ${median} ms`);
  });

  test("without egress the output hook drops what the kernel sends for a floating IP", async () => {
    lease.close();
    await nft("flush", "ruleset");
    lease = createLease({ run: runCommand, hook: "output" });
    await lease.open(["e0"], [VIP, VIP6]);
    assert.deepEqual(await lease.open(["e0"], [VIP6, VIP]), { changed: false });
    await runCommand(["ip", "addr", "add", `${VIP}/32`, "dev", "e0"]);
    await runCommand(["ip", "addr", "add", `${VIP6}/128`, "dev", "e0", "nodad"]);
    const ask = async () => {
      claims = [];
      cable.ipThere("neigh", "flush", "dev", "e0");
      await Promise.all(
        [VIP, VIP6].map((address) =>
          runCommand(["ip", "netns", "exec", cable.there, "ping", "-c1", "-W3", address]),
        ),
      );
      return kinds(claims);
    };
    assert.deepEqual(await ask(), []);
    assert.equal(await lease.grant(millis(60)), "held");
    await pause(65);
    assert.equal(await lease.refresh(millis(800)), "lapsed");
    assert.equal(await lease.grant(millis(2000)), "held");
    assert.equal(await lease.refresh(millis(2000)), "held");
    // The asking kernel spaces its own solicitations out: on a busy machine the first may come late.
    let answers = await ask();
    for (let tries = 0; tries < 3 && answers.length < 2; tries += 1) {
      assert.equal(await lease.grant(millis(5000)), "held");
      answers = [...new Set([...answers, ...(await ask())])].sort();
    }
    assert.deepEqual(answers, ["advertisement", "arp reply"]);
    assert.ok(Number(await lease.remaining()) > 500);
  });
});
