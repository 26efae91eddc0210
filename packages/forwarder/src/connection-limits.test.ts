// connection-limits.test.ts — promises of connection-limits.ts, and of where a full server's connections go.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Full, isFull, judgeFull, NONE_FULL } from "./connection-limits.js";
import { distribute } from "./distribution.js";
import type { Flow } from "./flow.js";
import { NO_PASSAGES } from "./passage-elements.js";
import { limitEvents } from "./pool-events.js";
import type { PlannedServer } from "./server-plan.js";
import { fallback, server, service, verdicts } from "./testing/services.js";
import { wantedElements } from "./wanted-elements.js";

const small = (minConnections: number): PlannedServer =>
  server("a", { maxConnections: 10, minConnections });
const large = server("b");

const flows = (count: number, more: Partial<Flow> = {}): Flow[] =>
  Array.from({ length: count }, (_, i) => ({
    protocol: "tcp",
    client: "192.168.200.50",
    clientPort: 2000 + i,
    vip: "192.168.200.100",
    vipPort: 80,
    server: small(0).address,
    serverPort: 80,
    begunBy: "client",
    state: "ESTABLISHED",
    secondsLeft: 300,
    ...more,
  }));

const judged = (min: number, open: readonly Flow[], before: Full = NONE_FULL): boolean =>
  judgeFull(distribute([service([small(min), large])], verdicts([])), open, before).has("web/a");

test("a server is full from its maximum on, until it is back at its minimum and not before", () => {
  const full = new Set(["web/a"]);
  assert.deepEqual([judged(6, flows(9)), judged(6, flows(10))], [false, true]);
  assert.deepEqual([judged(6, flows(7), full), judged(6, flows(6), full)], [true, false]);
  assert.deepEqual([judged(0, flows(10), full), judged(0, flows(9), full)], [true, false]);
});

test("what has ended, and UDP, counts for no limit", () => {
  const ended = flows(20, { state: "TIME_WAIT" });
  const udp = flows(20, { protocol: "udp" });
  assert.ok(!judged(0, [...ended, ...udp, ...flows(9)]));
});

const elementsOf = (servers: readonly PlannedServer[], full: Full) => {
  const distributions = distribute([service(servers)], verdicts([]), {
    fullOf: (each) => isFull(each, full),
  });
  const [distribution] = distributions;
  assert.ok(distribution !== undefined);
  const input = {
    family: 4,
    distributions,
    floatingIps: [],
    arms: [],
    passages: NO_PASSAGES,
  } as const;
  return { distribution, elements: wantedElements(input) };
};

test("a full server keeps its slots: only where a SYN goes instead is added", () => {
  const none = elementsOf([small(0), large, server("c")], NONE_FULL);
  const one = elementsOf([small(0), large, server("c")], new Set(["web/a"]));
  assert.equal(none.distribution.overflow, null);
  assert.deepEqual(one.distribution.slots, none.distribution.slots);
  assert.ok(!one.distribution.overflow?.slots?.owners.some((each) => each.label === "a"));
  assert.equal(one.elements.full.size, 1);
  for (const [key, value] of none.elements.slots64) {
    assert.equal(one.elements.slots64.get(key), value);
  }
});

test("with nobody left the fallback server answers, or the service refuses", () => {
  const full = new Set(["web/a"]);
  const helped = elementsOf([small(0), fallback()], full);
  assert.equal(helped.distribution.overflow?.only?.role, "fallback");
  assert.equal(helped.elements.closed.size, 0);
  const alone = elementsOf([small(0)], full);
  assert.equal(alone.distribution.overflow?.only, undefined);
  assert.equal(alone.elements.closed.size, 1);
});

test("a limit that was taken away holds nobody, and each change of a server is told once", () => {
  assert.ok(!isFull(large, new Set([large.id])));
  const events = limitEvents(new Set(["web/a"]), new Set(["web/b"]));
  assert.deepEqual(
    events.map(({ event, facts }) => [event, facts.server]),
    [
      ["server-full", "web/b"],
      ["server-has-room", "web/a"],
    ],
  );
});
