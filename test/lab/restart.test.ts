// restart.test.ts — lbpair restart heartbeat restarts both nodes' in an order that moves no address.
// measures: what clients see of a restart, beside what they see of nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { APPLIANCES, type ApplianceName, GATEWAY, otherNode, VIP } from "@lbpair/lab";
import { type ClaimWatch, claimants, sayWatched, watchClaims } from "./claim-watch.js";
import { measuredPair } from "./measured-pair.js";
import { makeWell, skip } from "./ready-pair.js";

const lab = measuredPair();

/** Whatever `act` does, each address is claimed by the same network card throughout, and nothing is lost. */
async function nothingMoves(what: string, active: ApplianceName, act: () => Promise<void>) {
  const switches = async (): Promise<number> => {
    const { stdout } = await lab.world.cli(active, ["why", "--list", "--json"]);
    return (JSON.parse(stdout) as unknown[]).length;
  };
  const were = await switches();
  const watch: ClaimWatch = await watchClaims(lab.world);
  try {
    const figures = await lab.figuresOf(what, act, { afterMs: 1000 });
    const all = await watch.stop();
    console.log(sayWatched(all));
    for (const [network, address] of [
      ["front", VIP],
      ["back", GATEWAY],
    ] as const) {
      const one = all.find((each) => each.network === network && each.address === address);
      assert.deepEqual(one === undefined ? [] : claimants(one), [`${active} ${network}`]);
    }
    lab.assertNothingLost(figures);
  } finally {
    await watch.abandon();
  }
  assert.equal(await makeWell(lab.world), active);
  assert.equal(await switches(), were, "nobody became active or passive");
}

const pids = () => APPLIANCES.map((name) => lab.world.appliances[name].view("heartbeat").pid);

for (const active of APPLIANCES) {
  test(`on the primary both are restarted, the passive node's first, while ${active} is active`, {
    skip,
  }, async () => {
    // On a machine under load health may take the role back before the pair has come to rest.
    for (let tries = 0; (await makeWell(lab.world)) !== active; tries += 1) {
      assert.ok(tries < 3, `${active} stays passive`);
      const { code, stderr } = await lab.world.cli(active, ["make-active"]);
      assert.equal(code, 0, stderr);
    }
    const was = pids();
    await nothingMoves(`restart heartbeat, ${active} active`, active, async () => {
      const { code, stdout, stderr } = await lab.world.cli("lb1", ["restart", "heartbeat"]);
      console.log(stdout);
      assert.equal(code, 0, stderr);
      const order = [...stdout.matchAll(/heartbeat of (lb\d) is back/g)].map(([, name]) => name);
      assert.deepEqual(order, [otherNode(active), active]);
    });
    const now = pids();
    assert.ok(
      now.every((pid, i) => pid !== was[i]),
      `${was} became ${now}`,
    );
  });
}

test("on the secondary, and with --here, only its own is restarted, which is said", {
  skip,
}, async () => {
  const active = await makeWell(lab.world);
  for (const [name, words, told] of [
    ["lb2", ["restart", "heartbeat"], /only the heartbeat of lb2, the secondary/],
    ["lb1", ["restart", "heartbeat", "--here"], /the heartbeat of lb1 is back/],
  ] as const) {
    const was = pids();
    const { code, stdout, stderr } = await lab.world.cli(name, words);
    assert.equal(code, 0, stderr);
    assert.match(stdout, told);
    const changed = APPLIANCES.filter((_, i) => pids()[i] !== was[i]);
    assert.deepEqual(changed, [name]);
    assert.equal(await makeWell(lab.world), active);
  }
});

test("where the first does not come back, the second is not touched", { skip }, async () => {
  const active = await makeWell(lab.world);
  if (active !== "lb1") await lab.world.cli("lb1", ["make-active"]);
  await makeWell(lab.world);
  const { pid } = lab.world.appliances.lb1.view("heartbeat");
  const passivePid = lab.world.appliances.lb2.view("heartbeat").pid;
  const restarting = lab.world.cli("lb1", ["restart", "heartbeat"], { timeoutMs: 60_000 });
  while (lab.world.appliances.lb2.view("heartbeat").pid === passivePid) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await lab.world.appliances.lb2.kill("heartbeat", { leaveDead: true });
  const { code, stderr } = await restarting;
  console.log(stderr);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /heartbeat of lb2 is not back within .*; the heartbeat of lb1 was not touched/,
  );
  assert.equal(lab.world.appliances.lb1.view("heartbeat").pid, pid);
  const skipped = await lab.world.cli("lb1", ["restart", "heartbeat"]);
  assert.equal(skipped.code, 0, skipped.stderr);
  assert.match(skipped.stdout, /the heartbeat of lb2 is left as it is: it is not heard/);
  assert.match(skipped.stdout, /the heartbeat of lb1 is back/);
  assert.equal(await makeWell(lab.world), "lb1");
});
