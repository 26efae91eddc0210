// pin-keeper.test.ts — promises of pin-keeper.ts, with a map in memory in place of the kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, millis } from "@lbpair/common";
import type { Flow } from "./flow.js";
import { PersistenceKeeper } from "./persistence-keeper.js";
import type { PinCarrier, Told } from "./pin-carrier.js";
import { PinKeeper } from "./pin-keeper.js";
import type { PinTable } from "./pin-table.js";
import { type Pin, type PinElements, type PinKey, type Pins, pinKey } from "./pins.js";
import { distributed, fallback, server, service, verdicts } from "./testing/services.js";

const web = service([server("a"), fallback()]);
/** The fallback server is away from the maps; what lives there has to be pinned. */
const now = [distributed(web, verdicts([]))];
const halted = [distributed(service([server("a"), fallback({ mode: "halt" })]), verdicts([]))];

const flow = (clientPort: number, more: Partial<Flow> = {}): Flow => ({
  protocol: "tcp",
  client: "192.168.200.50",
  clientPort,
  vip: web.address,
  vipPort: 80,
  server: fallback().address,
  serverPort: 80,
  begunBy: "client",
  state: "ESTABLISHED",
  secondsLeft: 300,
  ...more,
});
const pin = (clientPort: number): Pin => ({
  client: "192.168.200.50",
  clientPort,
  vipPort: 80,
  server: fallback().id,
  seconds: 300,
});

const told = (...pins: readonly Pin[]): Told => ({ pins, persisted: [] });

function bench() {
  let elements: PinElements = new Map();
  const reused = new Set<PinKey>();
  const offers: Pins[] = [];
  const broken = { table: false };
  const table: PinTable = {
    read: async () => ({ elements: new Map(elements), reused: new Set(reused) }),
    readReused: async () => new Set(reused),
    async change(wanted, present) {
      if (broken.table) throw new Error("the set is full");
      elements = new Map(wanted);
      for (const key of present.reused) reused.delete(key);
    },
    readPersisted: async () => new Map(),
    changePersisted: async () => undefined,
  };
  const carrier: PinCarrier = {
    carried: new Map(),
    setPeer: () => undefined,
    offer: ({ pins }) => offers.push(new Map(pins)),
    stop: () => undefined,
  };
  const clock = { now: () => millis(1000), wall: () => new Date(0) };
  const keeper = new PinKeeper({
    table,
    carrier,
    persistence: new PersistenceKeeper(table, clock),
    clock,
    log: createLog("forwarder", "error"),
    event: () => undefined,
  });
  const keep = (flows: readonly Flow[], distributions = now) =>
    keeper.keep(distributions, () => Promise.resolve([...flows]));
  const ports = () => [...elements.keys()].map((key) => Number(key.split(" . ")[1]));
  const lose = () => {
    elements = new Map();
  };
  return { keeper, keep, ports, reused, offers, broken, lose };
}

test("the active pins what the maps do not name, and the peer is offered all of it", async () => {
  const { keeper, keep, ports, offers } = bench();
  keeper.setCondition("active", true);
  await keep([flow(1), flow(2, { server: server("a").address }), flow(3)]);
  assert.deepEqual(ports(), [1, 3]);
  assert.deepEqual(
    [...(offers.at(-1)?.values() ?? [])].map((each) => each.clientPort),
    [1, 3],
  );
  await keep([flow(1), flow(3, { state: "TIME_WAIT" })]);
  assert.deepEqual(ports(), [1], "a pin goes with its connection");
});

test("a node that takes over keeps pins of connections it has not met, until they were met and ended", async () => {
  const { keeper, keep, ports } = bench();
  keeper.setCondition("passive", true);
  await keeper.adopt(told(pin(1), pin(2)), now);
  keeper.setCondition("active", false);
  await keep([]);
  assert.deepEqual(ports(), [1, 2], "silent so far");
  await keep([flow(1)]);
  await keep([]);
  assert.deepEqual(ports(), [2]);
});

test("a pin whose ports another connection uses goes, here and in what the peer is told", async () => {
  const { keeper, keep, ports, reused, offers } = bench();
  keeper.setCondition("passive", true);
  await keeper.adopt(told(pin(1), pin(2)), now);
  keeper.setCondition("active", true);
  await keep([]);
  reused.add(pinKey(flow(1)));
  await keeper.dropReused(now);
  assert.deepEqual(ports(), [2]);
  assert.equal(reused.size, 0);
  assert.equal(offers.at(-1)?.size, 1);
});

test("the active does not take another's pins, and a passive node offers none", async () => {
  const { keeper, keep, ports, offers } = bench();
  keeper.setCondition("passive", true);
  await keep([flow(1)]);
  assert.deepEqual([ports(), offers.length], [[], 0]);
  keeper.setCondition("active", true);
  await assert.rejects(keeper.adopt(told(pin(1)), now), /active/);
});

test("the pins of a server on halt go on both nodes; a table loaded anew gets its pins again", async () => {
  const { keeper, keep, ports, lose } = bench();
  keeper.setCondition("passive", true);
  await keeper.adopt(told(pin(1)), now);
  lose();
  await keep([]);
  assert.deepEqual(ports(), [1]);
  await keep([], halted);
  assert.deepEqual(ports(), []);
});

test("pins that cannot be set keep nobody from the connections, and are due again", async () => {
  const { keeper, keep, broken, ports } = bench();
  keeper.setCondition("active", true);
  assert.equal(keeper.isDue(now), true);
  broken.table = true;
  assert.equal((await keep([flow(1)])).length, 1);
  broken.table = false;
  assert.equal(keeper.isDue(now), true);
  await keep([flow(1)]);
  assert.deepEqual(ports(), [1]);
});
