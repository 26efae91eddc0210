// counters.test.ts — promises of counters.ts and present-table.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { countsLost, countTotals, sumTotals } from "./counters.js";
import { diffElements } from "./elements.js";
import { parseTable } from "./present-table.js";
import { classid } from "./service-id.js";
import { distributed, fallback, server, service } from "./testing/services.js";

const now = distributed(service([server("a"), fallback()]));
const id = classid(now.id);
const counter = (packets: number, bytes: number) => ({ packets, bytes });
const counted = (val: unknown, packets: number, bytes = 0) => ({
  elem: { val, counter: counter(packets, bytes) },
});
const listing = JSON.stringify({
  nftables: [
    { metainfo: {} },
    { counter: { name: "guarded", packets: 3, bytes: 30 } },
    { chain: { name: "rules_x" } },
    { rule: { chain: "pass", expr: [] } },
    { set: { name: "floating", elem: ["192.168.200.100"] } },
    { set: { name: "arms", elem: ["eth0"] } },
    {
      set: {
        name: "toservers",
        elem: [counted({ concat: ["192.168.100.11", "tcp", 80] }, 10, 1000)],
      },
    },
    {
      set: {
        name: "fromservers",
        elem: [counted({ concat: ["192.168.100.11", "tcp", 80] }, 20, 5000)],
      },
    },
    {
      map: {
        name: "services",
        map: "classid",
        elem: [[counted({ concat: ["192.168.200.100", "tcp", 80] }, 4), id]],
      },
    },
    { map: { name: "servers", map: "ipv4_addr", elem: [[counted(id, 3), "192.168.100.11"]] } },
    { set: { name: "cuts", elem: [{ elem: { val: {} } }] } },
  ],
});
const present = parseTable(listing);

test("nft's listing becomes elements, counts, chains and cuts", () => {
  assert.deepEqual([...present.elements.floating.keys()], ["192.168.200.100"]);
  assert.deepEqual([...present.elements.arms.keys()], ['"eth0"']);
  assert.deepEqual([...present.elements.services], [["192.168.200.100 . tcp . 80", id]]);
  assert.deepEqual(present.named.get("guarded"), counter(3, 30));
  assert.ok(present.chains.has("rules_x"));
  assert.equal(present.cuts, 1);
});

test("counts become sums of the service and of its server", () => {
  const totals = countTotals(present.counts, [now]);
  assert.deepEqual(totals.get("web"), { connections: 4, packets: 30, bytes: 6000 });
  assert.deepEqual(totals.get("web/a"), { connections: 3, packets: 30, bytes: 6000 });
  assert.deepEqual(totals.get("web/fallback"), { connections: 0, packets: 0, bytes: 0 });
});

test("what a removed element counted is kept, what stays is not counted twice", () => {
  const wanted = { ...present.elements, servers: new Map([[id, "192.168.100.120"]]) };
  const lost = countsLost(present, diffElements(wanted, present.elements));
  const past = countTotals(lost, [now]);
  assert.deepEqual(past.get("web/a"), { connections: 3, packets: 0, bytes: 0 });
  assert.deepEqual(past.get("web"), { connections: 0, packets: 0, bytes: 0 });
  assert.equal(sumTotals(past, past).get("web/a")?.connections, 6);
});

test("text that is not nft's listing is an error, never an empty table", () => {
  assert.throws(() => parseTable("oops"));
});
