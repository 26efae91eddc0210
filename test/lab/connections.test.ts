// connections.test.ts — open connections live through every way in which the active node can be lost or moved.
// measures: what clients see of each fault, beside what they see of none.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type ApplianceName,
  activeNodes,
  DAEMONS,
  type Figures,
  measure,
  measureFloor,
  otherNode,
  type World,
  waitForPair,
} from "@lbpair/lab";
import { figuresTable, type Row, stallAllowedMs } from "./figures.js";
import { createReadyPair, makeWell, REPEATS, recentEvents, skip } from "./ready-pair.js";

let world: World;
let floor: Figures;
const rows: Row[] = [];

before(async () => {
  if (skip !== false) return;
  world = await createReadyPair();
  floor = await measureFloor(world, { afterMs: 1000 });
  rows.push({ what: "nothing (the floor)", figures: floor });
});
after(async () => {
  if (rows.length > 0) console.log(figuresTable(rows));
  await world?.destroy();
});

/** Answers when the fault has had its whole effect. */
type Act = (active: ApplianceName) => Promise<unknown>;

const isActive = (name: ApplianceName) =>
  waitForPair(world, `${name} active`, (pair) => activeNodes(pair).includes(name));

const makeActiveFrom =
  (node: (active: ApplianceName) => ApplianceName): Act =>
  async (active) => {
    const next = otherNode(active);
    const designation = next === "lb1" ? "primary" : "secondary";
    const { code, stdout, stderr } = await world.cli(node(active), ["make-active", designation]);
    assert.equal(code, 0, `${stdout}${stderr}`);
    await isActive(next);
  };

const ACTS: Record<string, Act> = {
  "Make Active, asked of the passive node": makeActiveFrom(otherNode),
  "Make Active, asked of the active node": makeActiveFrom((active) => active),
  "plug of the active pulled": async (active) => {
    await world.cables.pull(active);
    await isActive(otherNode(active));
  },
  "heartbeat of the active frozen": async (active) => {
    world.appliances[active].freeze("heartbeat");
    await isActive(otherNode(active));
  },
};
for (const daemon of DAEMONS) {
  ACTS[`${daemon} of the active killed, started again`] = async (active) => {
    const { pid } = world.appliances[active].view(daemon);
    await world.appliances[active].kill(daemon);
    await waitForPair(world, `${daemon} runs again`, (pair) => {
      const status = pair[active][daemon];
      return status !== undefined && status.pid !== pid;
    });
  };
  ACTS[`${daemon} of the active killed, left dead`] = async (active) => {
    await world.appliances[active].kill(daemon, { leaveDead: true });
    if (daemon === "heartbeat") await isActive(otherNode(active));
  };
}

async function livesThrough(what: string, act: Act): Promise<void> {
  const active = await makeWell(world);
  const { figures } = await measure(world, () => act(active), { afterMs: 1500 });
  rows.push({ what, figures });
  const { open } = figures;
  if (open.alive !== open.total) console.log(await recentEvents(world));
  assert.equal(open.total, 100);
  assert.deepEqual(open.reasons, {}, `${open.alive} of ${open.total} live`);
  const allowedMs = stallAllowedMs(figures, floor);
  assert.ok(
    open.longestStallMs <= allowedMs,
    `stall ${open.longestStallMs.toFixed(0)} ms, want at most ${allowedMs.toFixed(0)} ms`,
  );
}

for (const [what, act] of Object.entries(ACTS)) {
  test(`100 of 100 open connections live: ${what}`, { skip }, async () => {
    for (let i = 0; i < REPEATS; i += 1) await livesThrough(what, act);
  });
}
