// connections.test.ts — open connections live through every way in which the active node can be lost or moved.
// measures: what clients see of each fault, beside what they see of none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApplianceName, DAEMONS, otherNode, waitForPair } from "@lbpair/lab";
import { stallAllowedMs } from "./figures.js";
import { measuredPair } from "./measured-pair.js";
import { makeWell, REPEATS, skip, waitActive } from "./ready-pair.js";

const lab = measuredPair();

/** Answers when the fault has had its whole effect. */
type Act = (active: ApplianceName) => Promise<unknown>;

const makeActiveFrom =
  (node: (active: ApplianceName) => ApplianceName): Act =>
  async (active) => {
    const next = otherNode(active);
    const designation = next === "lb1" ? "primary" : "secondary";
    const { code, stdout, stderr } = await lab.world.cli(node(active), [
      "make-active",
      designation,
    ]);
    assert.equal(code, 0, `${stdout}${stderr}`);
    await waitActive(lab.world, next);
  };

const ACTS: Record<string, Act> = {
  "Make Active, asked of the passive node": makeActiveFrom(otherNode),
  "Make Active, asked of the active node": makeActiveFrom((active) => active),
  "plug of the active pulled": async (active) => {
    await lab.world.cables.pull(active);
    await waitActive(lab.world, otherNode(active));
  },
  "heartbeat of the active frozen": async (active) => {
    lab.world.appliances[active].freeze("heartbeat");
    await waitActive(lab.world, otherNode(active));
  },
};
for (const daemon of DAEMONS) {
  ACTS[`${daemon} of the active killed, started again`] = async (active) => {
    const { pid } = lab.world.appliances[active].view(daemon);
    await lab.world.appliances[active].kill(daemon);
    await waitForPair(lab.world, `${daemon} runs again`, (pair) => {
      const status = pair[active][daemon];
      return status !== undefined && status.pid !== pid;
    });
  };
  ACTS[`${daemon} of the active killed, left dead`] = async (active) => {
    await lab.world.appliances[active].kill(daemon, { leaveDead: true });
    if (daemon === "heartbeat") await waitActive(lab.world, otherNode(active));
  };
}

async function livesThrough(what: string, act: Act): Promise<void> {
  const active = await makeWell(lab.world);
  const figures = await lab.figuresOf(what, () => act(active), { afterMs: 1500 });
  const { open } = figures;
  assert.equal(open.total, 100);
  assert.deepEqual(open.reasons, {}, `${open.alive} of ${open.total} live`);
  const allowedMs = stallAllowedMs(figures, lab.floor);
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
