// witness.test.ts — promises of witness.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common";
import { NEIGHBOUR_MEMORY_MS, Witness, type WitnessPlan } from "./witness.js";

const OWN = "02:00:00:00:00:01";
const PEER = "02:00:00:00:00:02";
const ROUTER = "02:00:00:00:00:fe";
const STRANGER = "02:00:00:00:00:66";
const VIP = "10.0.0.100";
const claim = (mac: string, address = VIP, link = "e0") => ({ link, address, mac });

function knowing(change: Partial<WitnessPlan["links"][number]> = {}): Witness {
  const witness = new Witness();
  const e0 = { link: "e0", carrier: true, floatingIps: [VIP], neighbours: ["10.0.0.254"] };
  witness.plan({ links: [{ ...e0, ...change }], ownMacs: [OWN], peerAddresses: ["10.0.0.2"] });
  witness.knowPeer([PEER]);
  return witness;
}

test("an answer from the peer's MAC counts only once an echo to that MAC confirms it", () => {
  const witness = knowing();
  witness.begin(millis(1000));
  witness.ask();
  const { ask } = witness.heard(claim(PEER), millis(1003));
  assert.deepEqual(ask, [{ kind: "echo", ...claim(PEER) }]);
  assert.equal(witness.view(true).peerAnsweredAt, null, "a proxy could have said it");
  witness.echoed(claim(ROUTER));
  assert.equal(witness.view(true).peerAnsweredAt, null, "an echo of somebody else");
  witness.echoed(claim(PEER));
  assert.equal(
    witness.view(true).peerAnsweredAt,
    1003,
    "the moment of the answer, not of the echo",
  );
  assert.equal(witness.networks(millis(1010))[0]?.answeredBy, "peer");
});

test("an echo reply without an answer for that address in this suspicion proves nothing", () => {
  const witness = knowing();
  witness.heard(claim(PEER), millis(900));
  witness.begin(millis(1000));
  witness.echoed(claim(PEER));
  assert.equal(witness.view(true).peerAnsweredAt, null);
  witness.heard(claim(PEER), millis(1001));
  witness.echoed(claim(PEER));
  witness.end();
  witness.begin(millis(2000));
  witness.echoed(claim(PEER));
  assert.equal(witness.view(true).peerAnsweredAt, null, "of the suspicion before");
});

test("another MAC is a stranger and an alarm, once for each address, and no sign of the peer's life", () => {
  const witness = knowing();
  witness.begin(millis(1000));
  const first = witness.heard(claim(STRANGER), millis(1001));
  assert.deepEqual(first, { ask: [], tell: [{ ...claim(STRANGER), by: "stranger" }] });
  assert.deepEqual(witness.heard(claim(STRANGER), millis(1050)), { ask: [], tell: [] });
  witness.echoed(claim(STRANGER));
  const { peerAnsweredAt, stranger } = witness.view(true);
  assert.deepEqual(
    { peerAnsweredAt, stranger },
    { peerAnsweredAt: null, stranger: { address: VIP, mac: STRANGER } },
  );
  const later = witness.heard(claim(STRANGER), millis(1_000_000));
  assert.equal(later.tell.length, 1, "told again after a long quiet");
});

test("a proxy that answers for a thousand addresses raises a handful of alarms", () => {
  const floatingIps = Array.from({ length: 1000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const witness = knowing({ floatingIps });
  witness.begin(millis(0));
  const told = floatingIps.flatMap((each) => witness.heard(claim(STRANGER, each), millis(1)).tell);
  assert.equal(told.length, 8);
});

test("while active, whoever else answers is a conflict; the peer's last words after a take over are not", () => {
  const witness = knowing();
  assert.deepEqual(
    witness.heard(claim(STRANGER), millis(1)).tell,
    [],
    "a passive node only listens",
  );
  witness.setActive(true, millis(1000));
  assert.deepEqual(witness.heard(claim(PEER), millis(1200)).tell, []);
  assert.equal(witness.heard(claim(STRANGER), millis(1200)).tell[0]?.by, "stranger");
  assert.equal(witness.heard(claim(PEER), millis(9000)).tell[0]?.by, "peer");
  assert.deepEqual(witness.heard(claim(OWN), millis(9000)).tell, [], "our own");
});

test("with one virtual MAC for both nodes, an answer from it is the peer's", () => {
  const witness = knowing();
  witness.plan({
    links: [{ link: "e0", carrier: true, floatingIps: [VIP], neighbours: [] }],
    ownMacs: [OWN, "02:00:5e:00:00:01"],
    peerAddresses: [],
  });
  witness.knowPeer([PEER, "02:00:5e:00:00:01"]);
  witness.begin(millis(0));
  assert.equal(witness.heard(claim("02:00:5e:00:00:01"), millis(1)).ask.length, 1);
});

test("a link is cut off without carrier, and where nobody is heard who was heard shortly before", () => {
  const dark = knowing({ carrier: false });
  assert.equal(dark.view(true).cut, 1);
  dark.begin(millis(0));
  assert.deepEqual(dark.ask(), [], "no question into a dead link");

  const witness = knowing();
  witness.heard(claim(ROUTER, "10.0.0.254"), millis(1000));
  witness.begin(millis(2000));
  witness.ask();
  witness.ask();
  assert.equal(witness.view(true).cut, 0, "one lost question proves nothing");
  witness.ask();
  assert.equal(witness.view(true).rounds, 2);
  assert.equal(witness.view(true).cut, 1);
  witness.heard(claim(PEER), millis(2100));
  assert.equal(witness.view(true).cut, 1, "the peer is no neighbour");
  witness.heard(claim(ROUTER, "10.0.0.254"), millis(2101));
  assert.equal(witness.view(true).cut, 0);
});

test("where nobody was heard for a minute nobody is missed", () => {
  for (const [age, cut] of [
    [NEIGHBOUR_MEMORY_MS, 1],
    [NEIGHBOUR_MEMORY_MS + 1, 0],
  ] as const) {
    const witness = knowing();
    witness.heard(claim(ROUTER, "10.0.0.254"), millis(0));
    witness.begin(millis(age));
    for (let i = 0; i < 4; i++) witness.ask();
    assert.equal(witness.view(true).cut, cut, `${age} ms`);
  }
});

test("with many floating IPs each round asks for a few, and all have their turn", () => {
  const floatingIps = Array.from({ length: 100 }, (_, i) => `10.0.1.${i}`);
  const witness = knowing({ floatingIps });
  witness.begin(millis(0));
  const asked = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const round = witness.ask().filter(({ kind }) => kind === "who-has");
    assert.equal(round.length, 8);
    for (const { address } of round) asked.add(address);
  }
  assert.equal(asked.size, 100);
});

test("where nobody answers for long, everybody is called in each tenth round only, and one address is asked for in the others", () => {
  const witness = knowing();
  witness.begin(millis(0));
  const counts = Array.from({ length: 60 }, () => witness.ask().length);
  assert.ok(counts.slice(0, 30).every((count) => count === 2));
  assert.deepEqual(
    counts.flatMap((count, i) => (i >= 30 && count > 1 ? [i] : [])),
    [30, 40, 50],
  );
  assert.ok(counts.every((count) => count > 0));
});

test("in quiet times neighbours are called; only an active node asks for its floating IPs", () => {
  const witness = knowing();
  const kinds = () => witness.askIdle().map(({ kind }) => kind);
  assert.deepEqual(kinds(), ["are-you-there"]);
  witness.setActive(true, millis(0));
  assert.deepEqual(kinds(), ["who-has", "are-you-there"]);
  witness.setActive(false, millis(1));
  assert.deepEqual(kinds(), ["are-you-there"]);
});

test("a suspicion that lasts asks the MAC that answers, and everybody only now and then", () => {
  const witness = knowing();
  witness.begin(millis(0));
  const to: (string | null)[] = [];
  for (let i = 0; i < 60; i++) {
    for (const one of witness.ask()) if (one.kind === "who-has") to.push(one.mac);
    witness.heard(claim(PEER), millis(i));
    witness.echoed(claim(PEER));
  }
  assert.ok(to.slice(0, 30).every((mac) => mac === null));
  assert.equal(to.slice(30).filter((mac) => mac === null).length, 3);
  assert.equal(to.slice(30).filter((mac) => mac === PEER).length, 27);
});

test("a round that this node was not awake for does not count", () => {
  const witness = knowing();
  witness.begin(millis(0));
  witness.ask();
  witness.ask(true);
  assert.equal(witness.view(true).rounds, 0);
  witness.ask();
  assert.equal(witness.view(true).rounds, 1);
});
