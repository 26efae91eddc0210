// health.test.ts — a whole pair whose ping nodes, links and paths fail: the role moves when it should, and only then.
import assert from "node:assert/strict";
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
import { startClients } from "./clients.js";
import { createReadyPair, makeCalm, makeWell, pause, recentEvents, skip } from "./ready-pair.js";

/** A host that answers pings and is nothing else to the pair. */
const PING_NODE = ADDRESSES.frontWatch;
const FLAP_LIMIT = 3;

let world: World;
before(async () => {
  if (skip !== false) return;
  const extraHeartbeat = {
    pingNodes: `[${PING_NODE}]`,
    flapLimit: `${FLAP_LIMIT}`,
    flapWindow: "10m",
    flapHold: "30m",
  };
  world = await createReadyPair({ extraHeartbeat });
});
after(() => world?.destroy());

/** Drops what the rule says on its way into a host, until the answer is called. */
async function drop(host: ApplianceName | "front-watch", rules: readonly string[]) {
  const nft = (input: string) => world.exec(host, ["nft", "-f", "-"], { input });
  const chain = "chain in { type filter hook input priority -300;";
  const { code, stderr } = await nft(`table inet trouble { ${chain} ${rules.join("; ")}; }; }\n`);
  assert.equal(code, 0, stderr);
  return async (): Promise<void> => {
    await nft("delete table inet trouble\n");
  };
}

const pingsFrom = (names: readonly ApplianceName[]): string[] =>
  names.map((name) => `ip saddr ${ADDRESSES.front[name]} icmp type echo-request drop`);

const lost = (pair: PairView, name: ApplianceName): boolean =>
  pair[name].heartbeat?.pingNodes[0]?.answers === false;

const flapsOf = (pair: PairView, name: ApplianceName) => pair[name].heartbeat?.flaps;

async function clearFlaps(): Promise<void> {
  const { code, stdout, stderr } = await world.cli("lb1", ["clear-flaps"]);
  console.log(`${stdout}${stderr}`.trimEnd());
  assert.equal(code, 0);
}

const heartbeatEvents = async (): Promise<string[]> => {
  const { stdout } = await world.cli("lb1", ["events", "--json", "--limit", "60"]);
  const events = JSON.parse(stdout) as { readonly event: string; readonly text: string }[];
  return events.map(({ event, text }) => `${event}: ${text}`);
};

test("a ping node that only the active loses moves the role once, after both could have noticed, and costs no connection", {
  skip,
}, async () => {
  const active = await makeCalm(world);
  const clients = await startClients(world, 40);
  const mend = await drop("front-watch", pingsFrom([active]));
  try {
    const begun = performance.now();
    await waitForPair(world, "the loss", (pair) => lost(pair, active), 10_000);
    const lostAfter = performance.now() - begun;
    const moved = (pair: PairView) => activeNodes(pair).join() === otherNode(active);
    await waitForPair(world, "the move", moved, 15_000);
    const movedAfter = performance.now() - begun;
    await pause(3000);
    const pair = await viewPair(world);
    assert.deepEqual(activeNodes(pair), [otherNode(active)]);
    assert.deepEqual(
      APPLIANCES.map((name) => flapsOf(pair, name)?.moves),
      [1, 1],
    );
    const { open } = await clients.stop();
    const alive = open.reduce((sum, each) => sum + each.alive, 0);
    console.log(
      `lost after ${lostAfter.toFixed(0)} ms, moved after ${movedAfter.toFixed(0)}; ${alive} of 40 connections live`,
    );
    assert.ok(movedAfter - lostAfter > 2000, "damping covers a cycle of the slower node");
    assert.equal(alive, 40);
  } catch (error) {
    console.log(await recentEvents(world));
    throw error;
  } finally {
    await mend();
    await clients.abandon();
  }
});

test("a ping node that both lose moves nothing, in whatever order they notice", {
  skip,
}, async () => {
  await clearFlaps();
  const active = await makeCalm(world);
  const mend = await drop("front-watch", pingsFrom(APPLIANCES));
  try {
    const both = (pair: PairView) => APPLIANCES.every((name) => lost(pair, name));
    await waitForPair(world, "both to lose it", both, 10_000);
    await pause(6000);
    const pair = await viewPair(world);
    assert.deepEqual(activeNodes(pair), [active]);
    assert.equal(flapsOf(pair, active)?.moves, 0);
  } finally {
    await mend();
  }
  const neither = (pair: PairView) => !APPLIANCES.some((name) => lost(pair, name));
  await waitForPair(world, "both to reach it", neither, 10_000);
  await pause(4000);
  assert.deepEqual(activeNodes(await viewPair(world)), [active]);
});

/** Damping is 1 s: where the role is to stay, this is long enough to see that it would have moved. */
const STAYS_MS = 3000;

/** Pulls the active's front cable until the role moves, or for `forMs`. */
async function flapOnce(forMs = 10_000): Promise<boolean> {
  const [active] = activeNodes(await viewPair(world));
  assert.ok(active);
  await world.cables.pull(active, ["front"]);
  const moved = await waitForPair(
    world,
    "a move",
    (pair) => activeNodes(pair).join() === otherNode(active),
    forMs,
  ).then(
    () => true,
    () => false,
  );
  await world.cables.plug(active, ["front"]);
  await pause(1500);
  return moved;
}

test("a link of the active that flaps for ever moves the role flapLimit times; then health is held, over restarts too, until clear-flaps", {
  skip,
}, async () => {
  await makeCalm(world);
  await clearFlaps();
  const moves: boolean[] = [];
  for (let i = 0; i < FLAP_LIMIT + 2; i += 1) {
    moves.push(await flapOnce(i < FLAP_LIMIT ? undefined : STAYS_MS));
  }
  console.log(`moves: ${moves.join()}`);
  assert.deepEqual(moves, [true, true, true, false, false]);
  const told = (await heartbeatEvents()).filter((event) => event.startsWith("flaps-"));
  console.log(told.join("\n"));
  assert.equal(told.filter((event) => event.startsWith("flaps-held: ")).length, 2, "on both nodes");
  assert.ok(told.some((event) => event.startsWith("flaps-hold-back: ")));

  await makeWell(world);
  for (const name of APPLIANCES) {
    const pid = (await viewPair(world))[name].heartbeat?.pid;
    await world.appliances[name].ask("heartbeat", "POST /restart", undefined, 5000);
    const back = (pair: PairView) =>
      pair[name].heartbeat?.pid !== undefined && pair[name].heartbeat?.pid !== pid;
    await waitForPair(world, `${name} back`, back, 20_000);
    await makeWell(world);
  }
  const held = await viewPair(world);
  for (const name of APPLIANCES) {
    const { moves: counted, heldForMs } = flapsOf(held, name) ?? {};
    assert.equal(counted, FLAP_LIMIT, name);
    assert.ok(heldForMs && heldForMs < 1_790_000 && heldForMs > 1_600_000, `${name} ${heldForMs}`);
  }
  console.log((await world.cli("lb1", ["status"])).stdout);
  assert.equal(await flapOnce(STAYS_MS), false, "still held after the restarts");
  await makeWell(world);
  await clearFlaps();
  const cleared = await viewPair(world);
  assert.deepEqual(
    APPLIANCES.map((name) => flapsOf(cleared, name)?.heldForMs),
    [null, null],
  );
  assert.equal(await flapOnce(), true, "health moves the role again");
});

const adverts = (from: string): string => `ip saddr ${from} udp dport 6694 drop`;

/** What is told of the paths while the front path is in trouble, and whether the role stayed. */
async function troubleOfFront(nodes: readonly ApplianceName[], want: string): Promise<void> {
  await makeWell(world);
  await clearFlaps();
  const active = await makeCalm(world);
  const seen = (await heartbeatEvents()).length;
  const mends = await Promise.all(
    nodes.map((name) => drop(name, [adverts(ADDRESSES.front[otherNode(name)])])),
  );
  const states = (pair: PairView) =>
    APPLIANCES.map((name) => pair[name].heartbeat?.paths[0]?.state).join();
  const broken = await waitForPair(world, want, (pair) => states(pair) === want, 10_000);
  await pause(3500);
  for (const mend of mends) await mend();
  await waitForPair(world, "mended", (pair) => states(pair) === "hearing,hearing", 10_000);
  await pause(3000);
  const after = await viewPair(world);
  const paths = (await heartbeatEvents()).filter((event) => event.startsWith("path-"));
  console.log(`${seen} events before; ${states(broken)}\n${paths.slice(-4).join("\n")}`);
  assert.deepEqual(activeNodes(after), [active]);
  assert.deepEqual(
    after[active].heartbeat?.peer?.alive,
    true,
    "the other path carried the heartbeat all the time",
  );
  const kind = want === "silent,silent" ? "path-silent" : "path-one-way";
  const last = paths.slice(-4).map((event) => event.split(":")[0]);
  assert.deepEqual(last, [kind, kind, "path-back", "path-back"]);
  assert.ok(after.lb1.heartbeat?.paths.every(({ rttMs }) => rttMs !== null && rttMs < 500));
  const offset = after.lb1.heartbeat?.peer?.clockOffsetMs;
  assert.ok(offset !== null && offset !== undefined && Math.abs(offset) < 100, `${offset} ms`);
}

test("one of two paths that is cut is a warning on both nodes, and nothing else", { skip }, () =>
  troubleOfFront(APPLIANCES, "silent,silent"),
);

test(
  "a path that loses everything one way is told as one-way by both nodes, and nothing else happens",
  {
    skip,
  },
  () => troubleOfFront(["lb2"], "one-way,silent"),
);
