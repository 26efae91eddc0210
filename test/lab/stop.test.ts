// stop.test.ts — ordered stops, restarts, addresses that somebody removes, links that flap, and the way back.
// measures: what clients see of each stop, beside what they see of none.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  APPLIANCES,
  activeNodes,
  type Figures,
  GATEWAY,
  monotonicMs,
  otherNode,
  VIP,
  viewPair,
  waitForPair,
} from "@lbpair/lab";
import { type ClaimWatch, claimants, sayWatched, watchClaims } from "./claim-watch.js";
import { measuredPair } from "./measured-pair.js";
import { makeWell, pause, skip, waitActive } from "./ready-pair.js";

const lab = measuredPair();

async function nothingLost(what: string, act: () => Promise<unknown>): Promise<Figures> {
  const figures = await lab.figuresOf(what, act, { afterMs: 1500 });
  lab.assertNothingLost(figures);
  return figures;
}

test("an ordered stop of the active's heartbeat hands over first, with nothing lost", {
  skip,
}, async () => {
  const active = await makeWell(lab.world);
  const deadtimeMs = (await viewPair(lab.world)).lb1.heartbeat?.timings.deadtimeMs ?? 0;
  const { datagrams } = await nothingLost("SIGTERM to the active's heartbeat", async () => {
    await lab.world.appliances[active].stop("heartbeat");
    await waitActive(lab.world, otherNode(active));
  });
  const { stdout } = await lab.world.exec(active, ["ip", "-br", "addr", "show"]);
  assert.ok(!stdout.includes(`${VIP}/32`) && !stdout.includes(`${GATEWAY}/32`), stdout);
  // Had the peer waited for silence, nobody would have answered for deadtime.
  const most = deadtimeMs / 2 + lab.floor.datagrams.outageMs;
  assert.ok(datagrams.outageMs <= most, `${datagrams.outageMs} ms, want at most ${most}`);
  lab.world.appliances[active].start("heartbeat");
  assert.equal(await makeWell(lab.world), otherNode(active));
});

test("lbpair restart heartbeat moves no address and loses nothing", { skip }, async () => {
  const active = await makeWell(lab.world);
  const epoch = async () => (await viewPair(lab.world))[active].heartbeat?.epoch;
  const was = await epoch();
  const { pid } = lab.world.appliances[active].view("heartbeat");
  let watch: ClaimWatch | undefined;
  try {
    watch = await watchClaims(lab.world);
    await nothingLost("lbpair restart heartbeat on the active", async () => {
      const { code, stderr } = await lab.world.cli(active, ["restart", "heartbeat", "--here"]);
      assert.equal(code, 0, stderr);
      await waitForPair(lab.world, "a new heartbeat that is active", (pair) => {
        const now = pair[active].heartbeat;
        return now !== undefined && now.pid !== pid && now.condition === "active";
      });
    });
    const all = await watch.stop();
    console.log(sayWatched(all));
    for (const [network, address] of [
      ["front", VIP],
      ["back", GATEWAY],
    ] as const) {
      const one = all.find((each) => each.network === network && each.address === address);
      assert.deepEqual(one === undefined ? [] : claimants(one), [`${active} ${network}`]);
    }
  } finally {
    await watch?.abandon();
  }
  assert.equal(await makeWell(lab.world), active);
  assert.equal(await epoch(), was, "adopted, not claimed again");
});

test("a restart whose next run never comes: the peer waits for the lease, and nobody claims beside another", {
  skip,
}, async () => {
  const active = await makeWell(lab.world);
  const other = otherNode(active);
  const watch = await watchClaims(lab.world);
  try {
    await pause(200);
    const { pid } = lab.world.appliances[active].view("heartbeat");
    await lab.world.appliances[active].ask("heartbeat", "POST /restart");
    const began = monotonicMs();
    while (lab.world.appliances[active].view("heartbeat").pid === pid) await pause(2);
    await lab.world.appliances[active].kill("heartbeat", { leaveDead: true });
    await waitActive(lab.world, other);
    console.log(`${other} is active ${(monotonicMs() - began).toFixed(0)} ms after the restart`);
    await pause(500);
    const all = await watch.stop();
    console.log(sayWatched(all));
    assert.deepEqual(
      all.flatMap(({ overlaps }) => overlaps),
      [],
    );
  } finally {
    await watch.abandon();
  }
  assert.equal(await makeWell(lab.world), other);
});

/** Promised for an address that somebody removes; asserted with fivefold slack. */
const BACK_MS = 200;
const SLACK = 5;

test("a floating IP that somebody removes is back, and announced again", { skip }, async () => {
  const active = await makeWell(lab.world);
  for (const [address, link, network] of [
    [VIP, "eth1", "front"],
    [GATEWAY, "eth0", "back"],
  ] as const) {
    const watch = await watchClaims(lab.world);
    try {
      await pause(200);
      const removed = await lab.world.exec(active, [
        "ip",
        "addr",
        "del",
        `${address}/32`,
        "dev",
        link,
      ]);
      const began = monotonicMs();
      assert.equal(removed.code, 0, removed.stderr);
      let backMs = 0;
      for (;;) {
        const { stdout } = await lab.world.exec(active, ["ip", "-br", "addr", "show", "dev", link]);
        backMs = monotonicMs() - began;
        if (stdout.includes(`${address}/32`)) break;
        assert.ok(backMs < 10_000, "the address does not come back");
      }
      await pause(200);
      const all = await watch.stop();
      const one = all.find((each) => each.network === network && each.address === address);
      const announced = one?.claims.find(
        ({ kind, atMs }) => kind === "announcement" && atMs >= began - removed.tookMs,
      );
      assert.ok(announced !== undefined, "announced");
      const announcedMs = announced.atMs - began;
      console.log(
        `${address}: seen again after ${backMs.toFixed(0)} ms, ` +
          `announced after ${announcedMs.toFixed(0)} ms (one look takes ${removed.tookMs.toFixed(0)})`,
      );
      const most = BACK_MS * SLACK + 2 * removed.tookMs;
      assert.ok(backMs <= most && announcedMs <= most, `want at most ${most.toFixed(0)} ms`);
    } finally {
      await watch.abandon();
    }
  }
  assert.equal(await makeWell(lab.world), active);
});

const epochsOf = async () => {
  const pair = await viewPair(lab.world);
  return APPLIANCES.map((name) => pair[name].heartbeat?.epoch);
};

/** Pulls each cable of each node for so long, one after the other. */
async function flapEveryLink(flapMs: number): Promise<void> {
  for (const name of APPLIANCES) {
    for (const network of ["front", "back"] as const) {
      await lab.world.cables.pull(name, [network]);
      await pause(flapMs);
      await lab.world.cables.plug(name, [network]);
      // Both paths hear each other again before the next one flaps.
      await waitForPair(lab.world, "every path heard", (pair) =>
        APPLIANCES.every((each) =>
          pair[each].heartbeat?.paths.every(({ state }) => state === "hearing"),
        ),
      );
    }
  }
}

for (const flapMs of [50, 200, 500, 800]) {
  test(`a link that flaps for ${flapMs} ms leaves the pair as it was`, { skip }, async () => {
    const active = await makeWell(lab.world);
    const was = await epochsOf();
    await flapEveryLink(flapMs);
    assert.equal(await makeWell(lab.world), active);
    assert.deepEqual(await epochsOf(), was, "nobody claimed anything");
  });
}

for (const flapMs of [2000, 10_000]) {
  test(`a link that is away for ${flapMs} ms: one active all the time, on the healthier node, no open connection lost`, {
    skip,
  }, async () => {
    const active = await makeWell(lab.world);
    const watch = await watchClaims(lab.world);
    try {
      const figures = await lab.figuresOf(
        `a link away for ${flapMs} ms`,
        async () => {
          await lab.world.cables.pull(active, ["front"]);
          await pause(flapMs);
          if (flapMs > 5000)
            assert.deepEqual(activeNodes(await viewPair(lab.world)), [otherNode(active)]);
          await lab.world.cables.plug(active, ["front"]);
        },
        { afterMs: 3000 },
      );
      console.log(`${figures.open.alive} of ${figures.open.total} open connections live`);
      assert.deepEqual(figures.open.reasons, {});
      const all = await watch.stop();
      console.log(sayWatched(all));
      assert.deepEqual(
        all.flatMap(({ overlaps }) => overlaps),
        [],
      );
    } finally {
      await watch.abandon();
    }
    await makeWell(lab.world);
    const was = await epochsOf();
    await pause(3000);
    assert.deepEqual(await epochsOf(), was, "and it stays where it is");
  });
}
