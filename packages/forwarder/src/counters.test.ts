// counters.test.ts — promises of counters.ts and present-table.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CountedElement, elementTotals, notLess, sumTotals } from "./counters.js";
import { parseMonitorLine } from "./monitor-line.js";
import { TableListing } from "./present-table.js";
import { classid } from "./service-id.js";
import { distributed, fallback, server, service } from "./testing/services.js";

const now = distributed(service([server("a"), fallback()]));
const id = classid(now.id);
const counter = (packets: number, bytes: number) => ({ packets, bytes });
const listing = `table ip lbpair {
	counter guarded {
		packets 3 bytes 30
	}

	set floating {
		type ipv4_addr
		elements = { 192.168.200.100 }
	}

	set arms {
		type ifname
		elements = { "eth0" }
	}

	set toservers {
		type ipv4_addr . inet_proto . inet_service
		counter
		elements = { 192.168.100.11 . tcp . 80 counter packets 10 bytes 1000 }
	}

	set fromservers {
		type ipv4_addr . inet_proto . inet_service
		counter
		elements = { 192.168.100.11 . tcp . 80 counter packets 20 bytes 5000 }
	}

	set cuts {
		type ipv4_addr . inet_service . ipv4_addr . inet_service
		size 262144
		flags dynamic,timeout
		timeout 5m
		elements = { 1.1.1.1 . 5 . 2.2.2.2 . 6 expires 4m58s320ms }
	}

	map services {
		type ipv4_addr . inet_proto . inet_service : classid
		counter
		elements = { 192.168.200.100 . tcp . 80 counter packets 4 bytes 0 : ${id},
			     192.168.200.100 . tcp . 81 counter packets 0 bytes 0 : ${id} }
	}

	map servers {
		type classid : ipv4_addr
		counter
		elements = { ${id} counter packets 3 bytes 0 : 192.168.100.11 }
	}

	map ways {
		type classid : verdict
		elements = { ${id} : jump by_flow_64 }
	}

	chain guard {
		type filter hook input priority filter; policy accept;
		ip daddr @floating jump floating_ip
	}

	chain rules_x {
	}
}
`;

/** Read in pieces of so many characters. */
function read(text: string, piece = text.length) {
  const elements: string[] = [];
  const counted: CountedElement[] = [];
  const reader = new TableListing((set, key, value, count) => {
    elements.push(`${set} ${key}${value === "" ? "" : ` : ${value}`}`);
    if (count !== null) counted.push({ set, key, value, ...count });
  });
  for (let i = 0; i < text.length; i += piece) reader.push(text.slice(i, i + piece));
  return { elements, counted, present: reader.end() };
}

test("nft's listing becomes elements, counts, chains and cuts", () => {
  const { elements, present } = read(listing);
  console.log("seen:", elements.join("; "));
  assert.deepEqual(elements, [
    "floating 192.168.200.100",
    'arms "eth0"',
    "toservers 192.168.100.11 . tcp . 80",
    "fromservers 192.168.100.11 . tcp . 80",
    `services 192.168.200.100 . tcp . 80 : ${id}`,
    `services 192.168.200.100 . tcp . 81 : ${id}`,
    `servers ${id} : 192.168.100.11`,
    `ways ${id} : jump by_flow_64`,
  ]);
  assert.deepEqual(present.named.get("guarded"), counter(3, 30));
  assert.ok(present.chains.has("rules_x"));
  assert.match(present.rules, /^guard type filter hook input .*\nguard ip daddr @floating jump/);
  assert.equal(present.cuts, 1);
});

test("wherever a listing is cut into pieces, it says the same", () => {
  const whole = read(listing);
  for (const piece of [1, 2, 7, 64]) assert.deepEqual(read(listing, piece), whole);
});

test("half a listing is an error, never a table with less in it", () => {
  const ends = [0.2, 0.5, 0.9].map((share) => listing.slice(0, listing.length * share));
  for (const half of ends) assert.throws(() => read(half), /not whole/);
});

test("counts become sums of the service and of its server", () => {
  const totals = elementTotals(read(listing).counted, [now]);
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
  assert.throws(() => read("oops"));
});
