// connection-usage.test.ts — when the connection table is an alarm.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionTableStatus } from "@lbpair/common";
import { createUsageWatch, sumColumns } from "./connection-usage.js";

test("columns are summed over processors, by name, in hexadecimal", () => {
  const text =
    "entries  found drop early_drop\n00000010  00000001 0000000a 00000001\n00000010  00000000 00000002 00000000\n";
  assert.deepEqual(sumColumns(text, ["drop", "early_drop", "nothing"]), [12, 1, 0]);
});

test("nearly full is one alarm until there is room again, and each loss of packets is one", async () => {
  let now: ConnectionTableStatus = { entries: 10, max: 100, dropped: 5, droppedEarly: 0 };
  const events: string[] = [];
  const watch = createUsageWatch(
    (_level, event) => events.push(event),
    async () => now,
  );
  const look = async (change: Partial<ConnectionTableStatus>) => {
    now = { ...now, ...change };
    await watch.look();
  };
  await look({});
  await look({ entries: 90 });
  await look({ entries: 100, dropped: 9 });
  await look({ entries: 85 });
  await look({ entries: 79 });
  assert.deepEqual(events, [
    "connection-table-full",
    "connection-table-drops",
    "connection-table-has-room",
  ]);
  assert.equal(watch.usage?.entries, 79);
});
