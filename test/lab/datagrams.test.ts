// datagrams.test.ts — whatever is thrown at UDP 6694 is counted and dropped: no answer, no crash, no take over.
import assert from "node:assert/strict";
import { createHmac, randomBytes, randomInt } from "node:crypto";
import { after, before, test } from "node:test";
import {
  ADDRESSES,
  APPLIANCES,
  type ApplianceName,
  activeNodes,
  otherNode,
  type PairView,
  viewPair,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { createReadyPair, makeWell, skip, waitActive } from "./ready-pair.js";
import { captureAdverts, countAnswers, type Datagram, sendFrames } from "./stranger.js";

const STRANGER = ADDRESSES.frontWatch;
const MAC_BYTES = 32;

let world: World;
before(async () => {
  if (skip === false) world = await createReadyPair();
});
after(() => world?.destroy());

/** Datagrams that a node has dropped, by reason, on all of its paths. */
function droppedBy(pair: PairView, name: ApplianceName): Record<string, number> {
  const all: Record<string, number> = {};
  for (const path of pair[name].heartbeat?.paths ?? []) {
    for (const [why, count] of Object.entries(path.dropped)) all[why] = (all[why] ?? 0) + count;
  }
  return all;
}

const pids = (): (number | undefined)[] =>
  APPLIANCES.map((name) => world.appliances[name].view("heartbeat").pid);

/** Throws something at a node; answers with how often that node dropped what for which reason. */
async function thrown(to: ApplianceName, datagrams: readonly Datagram[]) {
  const before = droppedBy(await viewPair(world), to);
  await sendFrames(world, datagrams);
  let grown: Record<string, number> = {};
  await waitForPair(world, `${datagrams.length} datagrams counted`, (pair) => {
    const now = droppedBy(pair, to);
    grown = Object.fromEntries(
      Object.entries(now)
        .map(([why, count]): [string, number] => [why, count - (before[why] ?? 0)])
        .filter(([, count]) => count > 0),
    );
    return Object.values(grown).reduce((sum, count) => sum + count, 0) >= datagrams.length;
  });
  return grown;
}

/** An advert signed with a key of nobody's. */
function resigned(advert: Buffer): Buffer {
  const body = advert.subarray(0, -MAC_BYTES);
  return Buffer.concat([body, createHmac("sha256", randomBytes(32)).update(body).digest()]);
}

const repeat = (times: number, make: (i: number) => Buffer): Buffer[] =>
  Array.from({ length: times }, (_, i) => make(i));

test("random, truncated, oversized, forged, replayed and foreign datagrams are counted by reason", {
  skip,
}, async () => {
  const active = await makeWell(world);
  const processes = pids();
  const answers = await countAnswers(world);
  const [advert = Buffer.alloc(0)] = await captureAdverts(world, "lb1", 1);
  assert.ok(advert.length > 100, "an advert was captured");
  const kinds: readonly (readonly [string, readonly Buffer[], readonly string[]])[] = [
    ["random bytes", repeat(300, () => randomBytes(randomInt(0, 1200))), ["not-ours", "too-short"]],
    [
      "random bytes behind the magic",
      repeat(100, () => Buffer.concat([advert.subarray(0, 6), randomBytes(randomInt(60, 1000))])),
      ["wrong-key"],
    ],
    [
      "truncated",
      repeat(advert.length, (length) => advert.subarray(0, length)),
      ["too-short", "not-ours", "wrong-key"],
    ],
    ["oversized", repeat(50, (i) => Buffer.concat([advert, randomBytes(1250 - i)])), ["too-long"]],
    ["signed with another key", repeat(50, () => resigned(advert)), ["wrong-key"]],
    // A few make the receiver renew its own session, in which the recording is but a hello.
    ["replayed", repeat(50, () => advert), ["replayed", "hello"]],
  ];
  for (const [what, payloads, reasons] of kinds) {
    const asPeer = payloads.map(
      (payload): Datagram => ({ to: "lb1", from: ADDRESSES.front.lb2, payload }),
    );
    const grown = await thrown("lb1", asPeer);
    console.log(`${payloads.length} ${what}, in the peer's name: ${JSON.stringify(grown)}`);
    for (const why of Object.keys(grown)) assert.ok(reasons.includes(why), `${what}: ${why}`);
  }
  const strange = [advert, ...repeat(50, () => randomBytes(200))];
  const grown = await thrown(
    "lb1",
    strange.map((payload): Datagram => ({ to: "lb1", from: STRANGER, payload })),
  );
  console.log(`${strange.length} from a third host: ${JSON.stringify(grown)}`);
  assert.ok((grown.foreign ?? 0) >= 1);
  assert.deepEqual(await answers(), { datagrams: 0, refusals: 0 }, "nobody is answered");
  const closed: Datagram = { to: "lb1", from: STRANGER, toPort: 6695, payload: randomBytes(8) };
  await sendFrames(world, [closed]);
  assert.equal((await answers()).refusals, 1, "positive control: what is answered is counted");
  assert.deepEqual(pids(), processes, "no daemon died");
  assert.deepEqual(activeNodes(await viewPair(world)), [active], "nobody took over");
});

test("a recorded hand-over, played again to both nodes, moves nothing", { skip }, async () => {
  const active = await makeWell(world);
  const next = otherNode(active);
  const recording = Promise.all(APPLIANCES.map((name) => captureAdverts(world, name, 40)));
  const { code, stderr } = await world.cli(next, ["make-active"]);
  assert.equal(code, 0, stderr);
  const recorded = await recording;
  assert.equal(await makeWell(world), next);
  const epochs = async () => {
    const pair = await viewPair(world);
    return APPLIANCES.map((name) => pair[name].heartbeat?.epoch);
  };
  const was = await epochs();
  for (const [i, to] of APPLIANCES.entries()) {
    const played = (recorded[i] ?? []).map(
      (payload): Datagram => ({ to, from: ADDRESSES.front[otherNode(to)], payload }),
    );
    assert.ok(played.length >= 40, `${played.length} adverts recorded`);
    console.log(
      `${played.length} old adverts to ${to}: ${JSON.stringify(await thrown(to, played))}`,
    );
  }
  assert.deepEqual(await epochs(), was, "nobody claimed anything");
  assert.deepEqual(activeNodes(await viewPair(world)), [next]);
});

test("adverts of the peer's run before, played again while it is dead, do not keep it alive", {
  skip,
}, async () => {
  const active = await makeWell(world);
  const other = otherNode(active);
  const recorded = await captureAdverts(world, other, 20);
  await world.cables.pull(active);
  const played = recorded.map(
    (payload): Datagram => ({ to: other, from: ADDRESSES.front[active], payload }),
  );
  let playing = true;
  const player = (async () => {
    while (playing) await sendFrames(world, played);
  })();
  try {
    await waitActive(world, other);
  } finally {
    playing = false;
    await player;
  }
  assert.equal(await makeWell(world), other);
});
