// claims.test.ts — at most one node answers for an address, asked every 5 ms by a third host on each network.
// measures: who answers, asked every 5 ms; a busy machine asks more rarely.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  APPLIANCES,
  type ApplianceName,
  createWorld,
  GATEWAY,
  monotonicMs,
  otherNode,
  VIP,
  type World,
} from "@lbpair/lab";
import {
  type ClaimWatch,
  claimants,
  sayWatched,
  type Watched,
  watchClaims,
} from "./claim-watch.js";
import { keepalivedMissing, startKeepalived } from "./keepalived.js";
import { createReadyPair, makeWell, pause, REPEATS, skip, waitActive } from "./ready-pair.js";

let world: World;
before(async () => {
  if (skip === false) world = await createReadyPair();
});
after(() => world?.destroy());

interface HeldAddress {
  readonly address: string;
  /** Seconds that the kernel keeps it, rounded down; undefined = for ever. */
  readonly lifetimeS: number | undefined;
}

const FOR_EVER = 0xffff_ffff;

/** Floating addresses that a node's kernel has now. */
async function heldBy(name: ApplianceName): Promise<HeldAddress[]> {
  const { stdout } = await world.exec(name, ["ip", "-j", "addr", "show"]);
  const links = JSON.parse(stdout) as {
    addr_info: { local: string; valid_life_time: number }[];
  }[];
  return links
    .flatMap((link) => link.addr_info)
    .filter(({ local }) => local === VIP || local === GATEWAY)
    .map(({ local, valid_life_time }) => ({
      address: local,
      lifetimeS: valid_life_time === FOR_EVER ? undefined : valid_life_time,
    }));
}

/** The kernel may be late with its clean-up by this much; times are asserted with fivefold slack. */
const CLEAN_UP_MS = 200;
const SLACK = 5;

/** The dead node's addresses go by themselves, each at the end of its lifetime. */
async function addressesLapse(dead: ApplianceName): Promise<void> {
  const began = monotonicMs();
  const held = await heldBy(dead);
  assert.equal(held.length, 2, "a dead daemon's addresses are there at first");
  const longest = Math.max(...held.map(({ lifetimeS }) => lifetimeS ?? Infinity));
  assert.ok(Number.isFinite(longest), "each has a lifetime while there is a peer");
  // The kernel shows whole seconds, rounded down.
  const mostMs = (longest + 1) * 1000 + CLEAN_UP_MS * SLACK;
  while ((await heldBy(dead)).length > 0) {
    const heldMs = monotonicMs() - began;
    assert.ok(heldMs <= mostMs, `still held after ${heldMs.toFixed(0)} ms, want ${mostMs} at most`);
    await pause(20);
  }
  const tookMs = monotonicMs() - began;
  console.log(`addresses with ${longest} s left were gone after ${tookMs.toFixed(0)} ms`);
}

function assertOneClaimant(all: readonly Watched[], order: readonly ApplianceName[]): void {
  console.log(sayWatched(all));
  for (const one of all) {
    const where = `${one.address} on the ${one.network} network`;
    assert.deepEqual(one.overlaps, [], `two claimants of ${where}`);
    // Nobody need answer for an address of the other network.
    if ((one.address === VIP) !== (one.network === "front")) continue;
    const want = order.map((name) => `${name} ${one.network}`);
    assert.ok(one.claims.length > 100, `heard ${one.claims.length} claims of ${where}`);
    assert.deepEqual(claimants(one), want, where);
  }
}

/** Harms the active's heartbeat, and undoes it once the addresses have lapsed. */
async function oneClaimantThrough(
  harm: (name: ApplianceName) => Promise<void> | void,
  heal: (name: ApplianceName) => void,
): Promise<void> {
  const active = await makeWell(world);
  const other = otherNode(active);
  let watch: ClaimWatch | undefined;
  try {
    watch = await watchClaims(world);
    await pause(300);
    await harm(active);
    await Promise.all([addressesLapse(active), waitActive(world, other)]);
    await pause(300);
    heal(active);
    const now = await makeWell(world);
    assert.equal(now, other, "who was away does not take the role back");
    await pause(300);
    assertOneClaimant(await watch.stop(), [active, other]);
  } finally {
    await watch?.abandon();
  }
}

test("with the active's heartbeat frozen, and thawed again, no address ever has two claimants", {
  skip,
}, async () => {
  for (let i = 0; i < REPEATS; i += 1) {
    await oneClaimantThrough(
      (name) => world.appliances[name].freeze("heartbeat"),
      (name) => world.appliances[name].thaw("heartbeat"),
    );
  }
});

test("with the active's heartbeat killed and left dead, no address ever has two claimants", {
  skip,
}, async () => {
  for (let i = 0; i < REPEATS; i += 1) {
    await oneClaimantThrough(
      (name) => world.appliances[name].kill("heartbeat", { leaveDead: true }),
      (name) => world.appliances[name].start("heartbeat"),
    );
  }
});

test("Make Active passes the addresses on with no moment of two claimants", { skip }, async () => {
  const active = await makeWell(world);
  const watch = await watchClaims(world);
  try {
    await pause(300);
    const { code, stderr } = await world.cli(otherNode(active), ["make-active"]);
    assert.equal(code, 0, stderr);
    await pause(500);
    assertOneClaimant(await watch.stop(), [active, otherNode(active)]);
  } finally {
    await watch.abandon();
  }
});

const controlSkip = skip === false ? (keepalivedMissing() ?? false) : skip;

test("positive control: two keepalived, one of them killed, are seen as two claimants", {
  skip: controlSkip,
}, async () => {
  const control = await createWorld();
  let watch: ClaimWatch | undefined;
  try {
    const pair = await startKeepalived(control);
    const becomes = async (name: ApplianceName) => {
      const deadline = monotonicMs() + 30_000;
      while (!(await pair.holds(name))) {
        assert.ok(monotonicMs() < deadline, `keepalived on ${name} took nothing over`);
        await pause(50);
      }
    };
    await becomes("lb1");
    watch = await watchClaims(control);
    await pause(300);
    await pair.kill("lb1");
    await becomes("lb2");
    await pause(500);
    const all = await watch.stop();
    console.log(sayWatched(all));
    const front = all.find((one) => one.network === "front" && one.address === VIP);
    const seen = new Set(front === undefined ? [] : claimants(front));
    assert.deepEqual(
      [...seen].sort(),
      APPLIANCES.map((name) => `${name} front`),
    );
    assert.ok(front !== undefined && front.overlaps.length > 0, "two at the same time");
  } finally {
    await watch?.abandon();
    await control.destroy();
  }
});
