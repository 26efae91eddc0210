// why.test.ts — lbpair why names the rule and tells plausible times for each kind of switch of a real pair.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ApplianceName, otherNode, type World } from "@lbpair/lab";
import {
  createReadyPair,
  makeCalm,
  makeWell,
  pause,
  recentEvents,
  skip,
  waitActive,
} from "./ready-pair.js";

let world: World;
before(async () => {
  if (skip === false) world = await createReadyPair();
});
after(() => world?.destroy());

interface Why {
  readonly rule: string;
  readonly active: string | null;
  readonly from: string | null;
  readonly epoch: string;
  readonly neighbourMs: number | null;
  readonly phases: Readonly<
    Record<"detectionMs" | "decisionMs" | "totalMs", number> & { switchingMs: number | null }
  >;
  readonly main: {
    readonly effects: readonly { readonly what: string; readonly tookMs: number | null }[];
    readonly marks: readonly { readonly what: string; readonly atMs: number }[];
    readonly situation: { readonly timings: { readonly deadtimeMs: number } };
  };
  readonly other: { readonly rule: string; readonly kind: string } | null;
  readonly missing: readonly string[];
}

/**
 * The latest switch away from a node, as one node tells it. On a machine that stands still for longer
 * than a lease there may be others after it.
 */
async function why(name: ApplianceName, from: ApplianceName): Promise<Why> {
  // The record grows while the neighbours learn it.
  await pause(500);
  const { code, stdout, stderr } = await world.cli(name, [
    "why",
    "--list",
    "--limit",
    "100",
    "--json",
  ]);
  assert.equal(code, 0, stderr);
  const all = JSON.parse(stdout) as (Why & { readonly number: number })[];
  const told = all.find((each) => each.from === from);
  assert.ok(told !== undefined, `no switch away from ${from}: ${all.map(({ rule }) => rule)}`);
  const shown = await world.cli(name, ["why", `${told.number}`]);
  assert.equal(shown.code, 0, shown.stderr);
  console.log(shown.stdout);
  assert.ok(shown.stdout.split("\n").length <= 42, "one screen");
  const one = await world.cli(name, ["why", `${told.number}`, "--json"]);
  return JSON.parse(one.stdout) as Why;
}

const CLAIM = ["grant-lease", "raise", "announce", "send-adverts", "remember", "tell-condition"];
/** Promise 2 gives a take over 100 ms; a machine under load gets several times that. */
const SWITCH_MS_MAX = 1000;

function looksRight(told: Why, rule: string, from: ApplianceName): void {
  const { phases, main } = told;
  assert.equal(told.rule, rule);
  assert.deepEqual([told.active, told.from], [otherNode(from), from]);
  const done = main.effects.filter(({ tookMs }) => tookMs !== null).map(({ what }) => what);
  assert.deepEqual(
    CLAIM.filter((what) => !done.includes(what)),
    [],
    "every effect is told",
  );
  assert.ok(phases.switchingMs !== null && phases.switchingMs < SWITCH_MS_MAX, "switching");
  const sum = phases.detectionMs + phases.decisionMs + (phases.switchingMs ?? 0);
  assert.ok(Math.abs(sum - phases.totalMs) < 1, "the parts are the whole");
}

function bySilence(told: Why, from: ApplianceName): void {
  looksRight(told, "silence", from);
  const { detectionMs, decisionMs } = told.phases;
  assert.equal(detectionMs, told.main.situation.timings.deadtimeMs);
  assert.ok(decisionMs < SWITCH_MS_MAX, `${decisionMs} ms after deadtime`);
  assert.ok(told.main.marks.some(({ what, atMs }) => what === "suspect" && atMs < 0));
}

/** Tells what happened where a test fails, or nobody could say why. */
async function orTell(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.log(await recentEvents(world));
    throw error;
  }
}

test(
  "plug pulled: silence, deadtime as detection, and the peer that is away is said",
  { skip },
  () =>
    orTell(async () => {
      const active = await makeCalm(world);
      const next = otherNode(active);
      await world.cables.pull(active, ["front", "back"]);
      await waitActive(world, next);
      const alone = await why(next, active);
      bySilence(alone, active);
      assert.equal(alone.other, null);
      assert.equal(alone.missing.length, 1, "the peer could not be asked, which is said");
      assert.equal(await makeWell(world), next);
      const both = await why(active, active);
      bySilence(both, active);
      assert.equal(both.other?.rule, "isolated", "what the other node recorded of it");
      assert.deepEqual(both.missing, []);
      assert.equal(both.epoch, alone.epoch, "either node tells the same switch");
    }),
);

test("frozen daemon: silence, and the other node's own word that it stood still", { skip }, () =>
  orTell(async () => {
    const active = await makeCalm(world);
    world.appliances[active].freeze("heartbeat");
    await waitActive(world, otherNode(active));
    world.appliances[active].thaw("heartbeat");
    await makeWell(world);
    const told = await why(active, active);
    bySilence(told, active);
    assert.equal(told.other?.rule, "lease-lost");
    const { stdout } = await world.cli(active, ["check"]);
    assert.match(stdout, /last measured/);
    const status = await world.cli(active, ["status"]);
    assert.match(status.stdout, /its daemon freezes .*\(last/s);
  }),
);

test("make-active: order, no detection, told from both nodes", { skip }, () =>
  orTell(async () => {
    const active = await makeCalm(world);
    const { code } = await world.cli(otherNode(active), ["make-active"]);
    assert.equal(code, 0);
    const told = await why(active, active);
    looksRight(told, "order", active);
    assert.equal(told.phases.detectionMs, 0);
    assert.equal(told.other?.kind, "hand-over");
  }),
);

test("a link lost: health, with its damping as detection", { skip }, () =>
  orTell(async () => {
    const active = await makeCalm(world);
    await world.cables.pull(active, ["front"]);
    await waitActive(world, otherNode(active));
    const told = await why(otherNode(active), active);
    looksRight(told, "health", active);
    // The reference configuration's healthDamping of 1 s, judged at a keepalive.
    assert.ok(told.phases.detectionMs >= 1000 && told.phases.detectionMs < 3000, "damped");
    await makeWell(world);
  }),
);

test(
  "daemon killed and started again: the records survive, and it says that it was started anew",
  {
    skip,
  },
  () =>
    orTell(async () => {
      const active = await makeCalm(world);
      const before = await world.cli(active, ["why", "--list", "--json"]);
      await world.appliances[active].kill("heartbeat", { leaveDead: true });
      await waitActive(world, otherNode(active));
      await makeWell(world);
      const told = await why(active, active);
      bySilence(told, active);
      assert.equal(told.other?.rule, "restarted");
      const after = await world.cli(active, ["why", "--list", "--json"]);
      const count = (text: string): number => (JSON.parse(text) as unknown[]).length;
      assert.ok(count(after.stdout) > count(before.stdout));
    }),
);
