// pins.test.ts — promises of pins.ts, pin-table.ts and pin-carrier.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePinsOrder } from "./bodies.js";
import { distribute, serverFor } from "./distribution.js";
import type { Flow } from "./flow.js";
import { isCovered, ownFlows } from "./flow-owner.js";
import { groupPins } from "./pin-carrier.js";
import { parsePins, parseReused } from "./pin-table.js";
import { findPins, pinElements, pinKey, pinsOf, pinsText } from "./pins.js";
import { fallback, server, service, verdicts } from "./testing/services.js";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const names = ["a", "b", "c"] as const;
const mode = fc.constantFrom("online", "drain", "halt");
const weight = fc.constantFrom(0, 50, 100);
const states = fc.constantFrom("ESTABLISHED", "TIME_WAIT", "FIN_WAIT", "CLOSE");

const world = fc.record({
  modes: fc.tuple(mode, mode, mode),
  weights: fc.tuple(weight, weight, weight),
  unhealthy: fc.subarray(["web/a", "web/b", "web/c"]),
  scheduler: fc.constantFrom("weighted-hash", "source-hash", "weighted-round-robin"),
});

const distributionsOf = (is: typeof world extends fc.Arbitrary<infer T> ? T : never) =>
  distribute(
    [
      service(
        [
          ...names.map((name, i) =>
            server(name, { mode: is.modes[i] ?? "online", weight: is.weights[i] ?? 100 }),
          ),
          fallback(),
        ],
        { scheduler: is.scheduler },
      ),
    ],
    verdicts(is.unhealthy),
  );

const flows = fc.uniqueArray(
  fc
    .record({
      host: fc.integer({ min: 1, max: 250 }),
      clientPort: fc.integer({ min: 1024, max: 65_535 }),
      to: fc.constantFrom<string>(...names.map((name) => server(name).address), fallback().address),
      state: states,
      protocol: fc.constantFrom("tcp", "udp"),
    })
    .map(
      ({ host, clientPort, to, state, protocol }): Flow => ({
        protocol: protocol === "udp" ? "udp" : "tcp",
        client: `192.168.200.${host}`,
        clientPort,
        vip: "192.168.200.100",
        vipPort: 80,
        server: to,
        serverPort: 80,
        begunBy: "client",
        state,
        secondsLeft: 300,
      }),
    ),
  { selector: pinKey, maxLength: 40 },
);

test("with its pins every open connection that may go on is covered, and no other is pinned", () => {
  console.log(`seed ${seed}`);
  fc.assert(
    fc.property(world, flows, (is, open) => {
      const now = distributionsOf(is);
      const { pins } = findPins(open, now);
      for (const owned of ownFlows(open, now)) {
        const { flow } = owned;
        const pin = pins.get(pinKey(flow));
        const may = owned.server !== undefined && owned.server.mode !== "halt";
        const isOpen = flow.protocol === "tcp" && ["ESTABLISHED", "FIN_WAIT"].includes(flow.state);
        const named = serverFor(owned.distribution, flow.client, flow.clientPort);
        assert.equal(pin !== undefined, may && isOpen && named !== owned.server);
        if (may && isOpen) assert.ok(isCovered(owned, true, pin?.server));
        if (pin !== undefined) assert.equal(isCovered(owned, true), false, "not without its pin");
      }
    }),
    { seed, numRuns: 300 },
  );
});

test("pins reach the peer's kernel as they are, by its own numbers", () => {
  fc.assert(
    fc.property(world, flows, (is, open) => {
      const now = distributionsOf(is);
      const { pins } = findPins(open, now);
      const sent = JSON.parse(JSON.stringify({ pins: groupPins(pins.values()) })) as unknown;
      const there = pinElements(parsePinsOrder(sent).pins, distributionsOf(is));
      assert.deepEqual(there, pinElements(pins.values(), now));
      assert.deepEqual(pinsOf(there, now), new Map(pins));
    }),
    { seed, numRuns: 100 },
  );
});

const NOTHING = { elements: new Map(), reused: new Set<string>() };

test("only the difference is changed; what is right is left alone, whatever it has left to live", () => {
  const wanted = new Map([
    ["same", { value: "0:1", seconds: 300 }],
    ["other", { value: "0:2", seconds: 300 }],
    ["short", { value: "0:1", seconds: 300 }],
  ]);
  const elements = new Map([
    ["same", { value: "0:1", seconds: 200 }],
    ["other", { value: "0:1", seconds: 300 }],
    ["short", { value: "0:1", seconds: 100 }],
    ["gone", { value: "0:1", seconds: 300 }],
  ]);
  assert.equal(
    pinsText(4, wanted, { elements, reused: new Set(["again"]) }),
    [
      "delete element ip lbpair pins { other, short, gone }",
      "add element ip lbpair pins { other timeout 300s : 0:2, short timeout 300s : 0:1 }",
      "delete element ip lbpair reused { again }",
      "",
    ].join("\n"),
  );
  assert.equal(pinsText(4, new Map(), NOTHING), "");
});

test("nft's listings of pins and of reused ports are read", () => {
  const elem = { val: { concat: ["10.0.0.1", 5, "10.0.0.2", 80] }, timeout: 30, expires: 29 };
  const map = { nftables: [{ metainfo: {} }, { map: { elem: [[{ elem }, "a:7"]] } }] };
  const key = "10.0.0.1 . 5 . 10.0.0.2 . 80";
  assert.deepEqual(parsePins(JSON.stringify(map)), new Map([[key, { value: "a:7", seconds: 29 }]]));
  const set = { nftables: [{ set: { elem: [{ elem }] } }, { set: {} }] };
  assert.deepEqual(parseReused(JSON.stringify(set)), new Set([key]));
});

test("an order of pins of any other form is refused with what was wanted", () => {
  const pin = ["10.0.0.1", 5, 80, 300];
  const order = (flow: unknown) => ({ pins: [{ server: "web/a", flows: [flow] }] });
  assert.equal(parsePinsOrder(order(pin)).pins.length, 1);
  for (const bad of [
    undefined,
    { pins: "" },
    { pins: [{ server: 1, flows: [] }] },
    order(["10.0.0.1 } ; flush ruleset", 5, 80, 300]),
    order(["010.0.0.1", 5, 80, 300]),
    order(["10.0.0.1", 0, 80, 300]),
    order(["10.0.0.1", 5, 65_536, 300]),
    order(["10.0.0.1", 5, 80, 1.5]),
    order(["10.0.0.1", 5, 80, 1e9]),
  ]) {
    assert.throws(() => parsePinsOrder(bad), /malformed/, JSON.stringify(bad));
  }
});
