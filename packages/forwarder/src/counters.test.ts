// counters.test.ts — promises of counters.ts and present-table.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { countedElements, elementTotals, notLess, sumTotals } from "./counters.js";
import { parseMonitorLine } from "./monitor-line.js";
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
  const totals = elementTotals(countedElements(present), [now]);
  assert.deepEqual(totals.get("web"), { connections: 4, packets: 30, bytes: 6000 });
  assert.deepEqual(totals.get("web/a"), { connections: 3, packets: 30, bytes: 6000 });
  assert.equal(totals.get("web/fallback"), undefined);
});

test("what a removed element had counted is told by nft monitor, and kept", () => {
  const line = `delete element ip lbpair servers { ${id} counter packets 40 bytes 2400 : 192.168.100.11 }`;
  const said = parseMonitorLine(line, "ip lbpair");
  assert.ok(said?.kind === "element-removed");
  const past = elementTotals([said.element], [now]);
  assert.deepEqual(past.get("web/a"), { connections: 40, packets: 0, bytes: 0 });
  assert.equal(sumTotals(past, past).get("web/a")?.connections, 80);
});

test("the element of a server's own number is its count, a shared port to both services", () => {
  const line = `delete element ip lbpair servers { ${classid(now.serverNumbers[0] ?? 0)} counter packets 2 bytes 9 : 192.168.100.11 }`;
  const said = parseMonitorLine(line, "ip lbpair");
  assert.ok(said?.kind === "element-removed");
  assert.equal(elementTotals([said.element], [now]).get("web/a")?.connections, 2);
  const other = distributed(
    service([server("a", { id: "x/a" })], { label: "x", address: "192.168.200.9" }),
  );
  const traffic = {
    set: "toservers",
    key: "192.168.100.11 . tcp . 80",
    value: "",
    packets: 1,
    bytes: 50,
  } as const;
  const totals = elementTotals([traffic], [now, other]);
  assert.deepEqual(
    ["web", "web/a", "x", "x/a"].map((key) => totals.get(key)?.bytes),
    [50, 50, 50, 50],
  );
});

test("a count never goes back, whatever a reading in the middle of a change says", () => {
  const total = (connections: number) => new Map([["web", { connections, packets: 5, bytes: 5 }]]);
  assert.equal(notLess(total(7), total(3)).get("web")?.connections, 7);
  assert.equal(notLess(total(7), total(9)).get("web")?.connections, 9);
});

test("other lines of nft monitor say what they are, and other tables are nobody's business", () => {
  const kind = (line: string) => parseMonitorLine(line, "ip lbpair")?.kind;
  assert.deepEqual(parseMonitorLine("# new generation 12 by process 345 (nft)", "ip lbpair"), {
    kind: "generation",
    pid: 345,
  });
  assert.equal(kind("delete table ip lbpair"), "table-deleted");
  assert.equal(kind("delete table ip lbpair2"), undefined);
  assert.equal(kind("delete table inet lbpair"), undefined);
  assert.equal(kind("add element ip lbpair services { 1.1.1.1 . tcp . 80 : 0:1 }"), "touched");
  assert.equal(kind("delete rule ip lbpair guard handle 7"), "touched");
  assert.equal(kind("add element ip other lbpair { 1 }"), undefined);
  assert.equal(kind("# ERROR: We lost some netlink events!"), "events-lost");
});

test("text that is not nft's listing is an error, never an empty table", () => {
  assert.throws(() => parseTable("oops"));
});
