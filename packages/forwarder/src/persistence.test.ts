// persistence.test.ts — promises of persistence.ts, persistence-keeper.ts, and of what the peer is told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common";
import fc from "fast-check";
import { parsePinsOrder } from "./bodies.js";
import { type Distribution, distribute, serverFor } from "./distribution.js";
import type { Flow } from "./flow.js";
import { mapsName, type Persisted, persistedElements, persistedOf } from "./persistence.js";
import { PersistenceKeeper } from "./persistence-keeper.js";
import { groupPersisted, persistedIsNews } from "./pin-carrier.js";
import { findPins } from "./pins.js";
import type { PlannedServer } from "./server-plan.js";
import { classid, numbersOf, SERVICE_BITS } from "./service-id.js";
import { distributed, server, service, verdicts } from "./testing/services.js";
import type { TimedElements } from "./timed-elements.js";

const [a, b] = [server("a"), server("b")];
const persistence = { timeout: "5m", netmask: 24 } as const;
const web = service([a, b], { persistence });
const now = distributed(web);

const flowTo = (to: PlannedServer, clientPort: number): Flow => ({
  protocol: "tcp",
  client: "192.168.200.50",
  clientPort,
  vip: web.address,
  vipPort: 80,
  server: to.address,
  serverPort: 80,
  begunBy: "client",
  state: "ESTABLISHED",
  secondsLeft: 300,
});

const remembers = (to: PlannedServer, distribution: Distribution = now): TimedElements =>
  persistedElements([{ client: "192.168.200.0", server: to.id, seconds: 300 }], [distribution]);

/** A flow that the slots send to the server. */
function flowOf(to: PlannedServer): Flow {
  for (let port = 1024; port < 2048; port += 1) {
    if (serverFor(now, "192.168.200.50", port) === to) return flowTo(to, port);
  }
  throw new Error("the slots name both servers");
}

test("a connection is pinned unless slots and memory both lead to its server on a node that knows nothing", () => {
  const flow = flowOf(a);
  const pins = (elements: TimedElements, one = flow) => findPins([one], [now], elements).pins.size;
  assert.equal(pins(new Map()), 0);
  assert.equal(pins(remembers(a)), 0);
  assert.equal(pins(remembers(b)), 1, "the other node would follow its memory");
  assert.equal(pins(remembers(b), flowTo(b, flow.clientPort)), 1, "or not have heard of it yet");
});

test("a remembered server that gets nothing new is passed over", () => {
  const sick = distributed(web, verdicts([b.id]));
  assert.ok(mapsName(sick, flowTo(a, 4000), a, remembers(b, sick)));
  assert.ok(!mapsName(sick, flowTo(b, 4000), b, remembers(b, sick)));
});

test("what clients had reaches the peer's kernel as it is, by its own numbers", () => {
  const client = fc.ipV4();
  const one = fc.record({
    client,
    server: fc.constantFrom(a.id, b.id),
    seconds: fc.integer({ min: 1, max: 86_400 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(one, { selector: (each) => each.client }), (persisted) => {
      const body = { pins: [], persisted: groupPersisted(persisted) };
      const order = parsePinsOrder(JSON.parse(JSON.stringify(body)));
      const there = persistedElements(order.persisted, [distributed(web)]);
      assert.deepEqual(there, persistedElements(persisted, [now]));
      const back = persistedOf(there, [now]);
      const sorted = (list: readonly Persisted[]) =>
        list.map((each) => JSON.stringify(each)).sort();
      const named = persisted.map(({ client, server, seconds }) => ({ client, server, seconds }));
      assert.deepEqual(sorted(back), sorted(named));
    }),
    { numRuns: 50 },
  );
});

test("an order of any other form is refused, and one of an older release says nothing", () => {
  const order = (clients: unknown) => ({ pins: [], persisted: [{ server: a.id, clients }] });
  assert.deepEqual(parsePinsOrder({ pins: [] }).persisted, []);
  for (const bad of [
    "",
    [["10.0.0.1 } ; flush ruleset", 5]],
    [["10.0.0.1", 0]],
    [["10.0.0.1", 86_401]],
  ]) {
    assert.throws(() => parsePinsOrder(order(bad)), /malformed/, JSON.stringify(bad));
  }
});

test("the peer is told anew before half of what a client has left would be missing there", () => {
  const had = (seconds: number, to = a): Persisted[] => [
    { client: "10.0.0.1", server: to.id, seconds },
  ];
  assert.ok(!persistedIsNews(had(300), had(300), 0));
  assert.ok(!persistedIsNews(had(300), had(300), 150));
  assert.ok(persistedIsNews(had(300), had(300), 151));
  assert.ok(persistedIsNews(had(300, b), had(300), 0));
  assert.ok(!persistedIsNews([], had(300), 0));
});

test("a table loaded anew gets what it remembered again, as long as it is not past its time", async () => {
  let kernel: TimedElements = new Map();
  let at = 0;
  const keeper = new PersistenceKeeper(
    {
      readPersisted: () => Promise.resolve(kernel),
      changePersisted: (wanted) => {
        kernel = wanted;
        return Promise.resolve();
      },
    },
    { now: () => millis(at), wall: () => new Date(0) },
  );
  kernel = remembers(a);
  await keeper.look([now]);
  kernel = new Map();
  at = 100_000;
  await keeper.look([now]);
  assert.deepEqual(
    [...kernel.values()].map(({ seconds }) => seconds),
    [200],
  );
  kernel = new Map();
  at = 300_000;
  await keeper.look([now]);
  assert.equal(kernel.size, 0);
});

test("a server's number is its service's in the upper bits, and no two are the same", () => {
  const services = Array.from({ length: 3000 }, (_, i) => ({
    label: `s${i}`,
    servers: Array.from({ length: 65 }, (__, n) => ({ id: `s${i}/r${n}` })),
  }));
  const numbers = numbersOf(services);
  const all = [...numbers.services.values(), ...numbers.servers.values()];
  assert.equal(new Set(all).size, 3000 * 66);
  for (const { label, servers } of services) {
    const own = numbers.services.get(label) ?? 0;
    assert.notEqual(own, 0);
    for (const { id } of servers) {
      assert.equal(((numbers.servers.get(id) ?? 0) & SERVICE_BITS) >>> 0, own);
    }
  }
  assert.match(classid(all[0] ?? 0), /^[0-9a-f]+:[0-9a-f]+$/);
  const [distribution] = distribute([web], verdicts([]));
  assert.equal(distribution?.serverNumbers.length, 2);
});
