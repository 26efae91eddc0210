// ping-probe.test.ts — echoes in time, late, lost and impossible.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createIcmpPing, type IcmpPing, RawSocketError } from "@lbpair/common";
import { createPingProbe, PingAsker } from "./ping-probe.js";
import { contextOf, targetFor, times } from "./testing.js";

/** A machine that answers pings when told; what was asked, and from where. */
function pinged() {
  const asked: { readonly address: string; readonly source: string | undefined }[] = [];
  const waiting: number[] = [];
  let answers: number[] = [];
  const ping: IcmpPing = {
    ask(address, sequence, source) {
      if (address === "192.0.2.1") throw new RawSocketError("sendto", 101, "");
      asked.push({ address, source });
      waiting.push(sequence);
    },
    read: () => answers.splice(0),
    close: () => undefined,
  };
  const answer = () => {
    answers = waiting.splice(0);
  };
  return { ping, asked, answer };
}

test("ping: an echo passes, silence and no route have different reasons", async (t) => {
  const { ping, asked, answer } = pinged();
  const asker = new PingAsker(ping);
  t.after(() => asker.close());
  const probe = createPingProbe(asker);
  const target = (address: string) => targetFor({ type: "ping", ...times(100) }, { address });
  const echo = probe(target("10.0.0.1"), { ...contextOf(), source: "10.0.0.9" }).result;
  const second = probe(target("10.0.0.2"), contextOf()).result;
  answer();
  assert.match((await echo).reason, /^echo in [\d.]+ ms$/);
  assert.equal((await second).passed, true);
  assert.deepEqual(asked, [
    { address: "10.0.0.1", source: "10.0.0.9" },
    { address: "10.0.0.2", source: undefined },
  ]);
  const silent = await probe(target("10.0.0.1"), contextOf()).result;
  assert.deepEqual(silent, { passed: false, reason: "no echo within 100 ms", timedOut: true });
  const lost = await probe(target("192.0.2.1"), contextOf()).result;
  assert.equal(lost.reason, "no echo: network unreachable");
});

test("ping: an answer that waits in the socket when the time is up came in time", async (t) => {
  const { ping, answer } = pinged();
  const asker = new PingAsker(ping);
  t.after(() => asker.close());
  const run = createPingProbe(asker)(targetFor({ type: "ping", ...times(50) }), contextOf());
  // Longer than the timeout, this process does nothing at all.
  const until = performance.now() + 80;
  while (performance.now() < until);
  answer();
  assert.equal((await run.result).passed, true);
});

test("H1 ping reaches this machine's own loopback, from the source it is given", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("raw sockets need root");
  const asker = new PingAsker(createIcmpPing());
  t.after(() => asker.close());
  const probe = createPingProbe(asker);
  const target = targetFor({ type: "ping", ...times(1000) }, { address: "127.0.0.1" });
  const result = await probe(target, { ...contextOf(), source: "127.0.0.7" }).result;
  t.diagnostic(result.reason);
  assert.equal(result.passed, true);
  const foreign = await probe(target, { ...contextOf(), source: "192.0.2.9" }).result;
  assert.equal(foreign.reason, "no echo: the source address is not this node's");
});
