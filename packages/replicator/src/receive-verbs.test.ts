// receive-verbs.test.ts — what the peer may ask of the heartbeat: its records, and a restart of nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TRANSITIONS_ASKED_MAX } from "@lbpair/common";
import type { NodeState } from "./node-state.js";
import { createReceiveHandler, type ReceiveHooks } from "./receive-verbs.js";

function handlerOf(asked: string[]) {
  const node = {
    daemons: {
      transitions: async (limit: number) => asked.push(`transitions ${limit}`),
      restartHeartbeat: async () => asked.push("restart"),
    },
    events: { record: () => undefined },
  } as unknown as NodeState;
  const hooks = { heard: () => asked.push("heard") } as unknown as ReceiveHooks;
  return createReceiveHandler(node, hooks);
}

test("the peer may restart the heartbeat and no other daemon", async () => {
  const asked: string[] = [];
  const handle = handlerOf(asked);
  for (const argument of [
    { daemon: "forwarder" },
    { daemon: "replicator" },
    {},
    null,
    "heartbeat",
  ]) {
    const refused = async () => handle("restart", argument, new Uint8Array());
    await assert.rejects(refused, /want the heartbeat, and nothing else/);
  }
  assert.deepEqual(asked, []);
  await handle("restart", { daemon: "heartbeat" }, new Uint8Array());
  assert.deepEqual(asked, ["restart"], "and looking is no sign of a replicating peer");
});

test("however many records are asked for, the number is a bounded one", async () => {
  const asked: string[] = [];
  const handle = handlerOf(asked);
  for (const limit of [1, 7, 0, -1, 1e9, "x", undefined]) {
    await handle("transitions", { limit }, new Uint8Array());
  }
  const most = TRANSITIONS_ASKED_MAX;
  assert.deepEqual(
    asked,
    [1, 7, 1, 1, most, 1, 1].map((limit) => `transitions ${limit}`),
  );
});
