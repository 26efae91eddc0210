// element-book.test.ts — promises of element-book.ts, distributor.ts, table-difference.ts: one change at a time ends where a new start would.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseModes, parseServices } from "@lbpair/common";
import fc from "fast-check";
import { isFull } from "./connection-limits.js";
import { distribute, type FullOf } from "./distribution.js";
import { Distributor } from "./distributor.js";
import { ElementBook } from "./element-book.js";
import { CONFIGURED, diffElements, type Elements, noElements } from "./elements.js";
import type { Passages } from "./passage-elements.js";
import { healthFrom } from "./pool.js";
import { type EarlierPlan, type PlannedService, planServices } from "./server-plan.js";
import { weightFrom } from "./steering.js";
import { TableDifference } from "./table-difference.js";
import { wantedElements } from "./wanted-elements.js";

const address = fc.nat(2).map((n) => `192.168.100.${n + 11}`);
const realServer = fc.record({ address, port: fc.constantFrom(0, 80, 8080, 8080) });
const oneService = fc.record({
  vip: fc.nat(2),
  ports: fc.constantFrom("80", "80", "80", "80, 443", "90-92", "8000-9999", "70, 80-2999"),
  protocol: fc.constantFrom("tcp", "tcp", "udp", "both"),
  scheduler: fc.constantFrom("weighted-hash", "weighted-round-robin", "weighted-least-connections"),
  servers: fc.uniqueArray(realServer, {
    selector: ({ address, port }) => `${address}:${port}`,
    minLength: 1,
    maxLength: 3,
  }),
  fallback: fc.option(realServer, { nil: undefined }),
  fallbackPage: fc.boolean(),
  sourceNat: fc.boolean(),
});
const label = fc.nat(5);
/** One service comes, changes or goes; what else is said of the services changes now and then. */
const edit = fc.record({
  label: label.map(String),
  service: fc.option(oneService, { freq: 4 }),
  rest: fc.option(
    fc.record({
      halted: fc.array(fc.tuple(label, fc.nat(2)), { maxLength: 4 }),
      unhealthy: fc.uniqueArray(fc.tuple(label, fc.nat(2)).map(([s, n]) => `s${s}/r${n}`)),
      steered: fc.dictionary(
        label.map((n) => `s${n}/r0`),
        fc.integer({ min: 1, max: 5 }),
      ),
      arms: fc.subarray(["eth0", "eth1"]),
      full: fc.uniqueArray(label.map((n) => `s${n}/r0`)),
    }),
    { freq: 1 },
  ),
});
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;
type State = NonNullable<Edit["rest"]> & {
  readonly services: Readonly<Record<string, NonNullable<Edit["service"]>>>;
};

function statesOf(edits: readonly Edit[]): State[] {
  let now: State = {
    services: {},
    halted: [],
    unhealthy: [],
    steered: {},
    arms: ["eth0"],
    full: [],
  };
  return edits.map(({ label, service, rest }) => {
    const { [label]: _, ...others } = now.services;
    const services = service === null ? others : { ...now.services, [label]: service };
    now = { ...now, ...rest, services };
    return now;
  });
}

function textOf({ services }: State): string {
  const list = Object.entries(services).map(([name, service]) => {
    const servers = service.servers.map(
      ({ address, port }, i) =>
        `{ label: r${i}, address: ${address}, port: ${port}, weight: 10, maxConnections: ${i === 0 ? 5 : 0} }`,
    );
    const { fallback } = service;
    return {
      label: `s${name}`,
      // Each has its own, or services of equal ports would overlap.
      text: `
  - label: s${name}
    address: 192.168.200.${10 * (service.vip + 1) + Number(name)}
    ports: [${service.ports}]
    protocol: ${service.protocol}
    scheduler: ${service.scheduler}
    sourceNat: ${service.sourceNat}
    realServers: [${servers.join(", ")}]
    ${fallback ? `fallback: { address: ${fallback.address}, port: ${fallback.port} }` : ""}
    fallbackPage: ${service.fallbackPage && service.protocol === "tcp"}
    check: { type: "on" }`,
    };
  });
  return list.length === 0
    ? "virtualServices: []"
    : `virtualServices:${list.map(({ text }) => text).join("")}\n`;
}

function must<T>(parsed: { ok: boolean; value?: T; problems?: unknown }): T {
  assert.ok(parsed.ok, JSON.stringify(parsed.problems));
  return parsed.value as T;
}

function modesText({ halted }: State): string {
  const named = new Map(halted.map(([s, n]) => [`s${s}/r${n}`, { s, n }]));
  const modes = [...named.values()].map(({ s, n }, i) => {
    return `{ service: s${s}, server: r${n}, mode: ${i % 2 === 0 ? "halt" : "drain"} }`;
  });
  return `serial: 1\nmodes: [${modes.join(", ")}]\n`;
}

/** An arm is in a network of its own. */
const passagesOf = ({ arms }: State): Passages => ({
  outbound: [],
  routed: [],
  networks: arms.map((_, i) => `10.${i}.0.0/16`),
});

/** The same, as a process that has just started would see it. */
function afresh(now: State): { elements: Elements; services: readonly PlannedService[] } {
  const services = planServices(must(parseServices(textOf(now))), must(parseModes(modesText(now))));
  const health = healthFrom({ unhealthy: now.unhealthy, unknown: [] });
  const weightOf = weightFrom(new Map(Object.entries(now.steered)));
  const full = new Set(now.full);
  const fullOf: FullOf = (server) => isFull(server, full);
  const distributions = distribute(services, health, { weightOf, fullOf });
  const floatingIps = [...new Set(services.map((each) => each.address))];
  return {
    elements: wantedElements({
      family: 4,
      distributions,
      floatingIps,
      arms: now.arms,
      passages: passagesOf(now),
    }),
    services,
  };
}

const sorted = (elements: Elements): Record<string, string[]> =>
  Object.fromEntries(
    CONFIGURED.map((set) => [set, [...elements[set]].map(([k, v]) => `${k} : ${v}`).sort()]),
  );

function put(kernel: Elements, changes: ReturnType<ElementBook["change"]>): Elements {
  const next = noElements();
  for (const set of CONFIGURED) {
    for (const [key, value] of kernel[set]) next[set].set(key, value);
    for (const [key, value] of changes.removed[set]) {
      assert.equal(next[set].get(key), value, `${set} ${key} is deleted and was not there`);
      next[set].delete(key);
    }
    for (const [key, value] of changes.added[set]) {
      assert.ok(!next[set].has(key), `${set} ${key} is added and was there`);
      next[set].set(key, value);
    }
  }
  return next;
}

test("after any sequence of changes the kernel holds what a new start would load", () => {
  let changed = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 2, maxLength: 14 }), (edits) => {
      const book = new ElementBook(4);
      const distributor = new Distributor();
      let kernel: Elements = noElements();
      let before: EarlierPlan | undefined;
      for (const now of statesOf(edits)) {
        const config = must(parseServices(textOf(now)));
        const modes = must(parseModes(modesText(now)));
        const services = planServices(config, modes, before);
        before = { config, services };
        const input = {
          services,
          health: { unhealthy: now.unhealthy, unknown: [] },
          steered: new Map(Object.entries(now.steered)),
          held: new Set<string>(),
          full: new Set(now.full),
        };
        // Being asked what would be changes nothing of what is.
        const previewed = distributor.preview(input);
        const distributions = distributor.distribute(input);
        assert.deepEqual(previewed, distributions);
        const floatingIps = [...new Set(services.map((each) => each.address))];
        const changes = book.change({
          distributions,
          floatingIps,
          arms: now.arms,
          passages: passagesOf(now),
        });
        changed += changes.count;
        kernel = put(kernel, changes);
        const { elements, services: fresh } = afresh(now);
        assert.deepEqual(services, fresh);
        assert.deepEqual(sorted(kernel), sorted(elements));
        const parts = noElements();
        for (const part of book.parts()) {
          for (const set of CONFIGURED) for (const [k, v] of part[set]) parts[set].set(k, v);
        }
        assert.deepEqual(sorted(parts), sorted(elements));
      }
    }),
    { numRuns: 200 },
  );
  console.log(`seen: ${changed} changed elements`);
});

test("what did not change is the very same object, and costs nothing", () => {
  const config = must(
    parseServices(`virtualServices:
  - { label: a, address: 192.168.200.1, ports: [80], realServers: [{ label: x, address: 192.168.100.1 }], check: { type: "on" } }
  - { label: b, address: 192.168.200.2, ports: [80], realServers: [{ label: x, address: 192.168.100.2 }], check: { type: "on" } }
`),
  );
  const none = must(parseModes("serial: 0\nmodes: []\n"));
  const halt = must(parseModes("serial: 1\nmodes: [{ service: a, server: x, mode: halt }]\n"));
  const services = planServices(config, none);
  const later = planServices(config, halt, { config, services });
  assert.notEqual(later[0], services[0]);
  assert.equal(later[1], services[1]);
  const distributor = new Distributor();
  const input = {
    health: { unhealthy: [], unknown: [] },
    steered: new Map(),
    held: new Set<string>(),
    full: new Set<string>(),
  };
  const first = distributor.distribute({ services, ...input });
  assert.equal(distributor.distribute({ services, ...input }), first);
  const second = distributor.distribute({ services: later, ...input });
  assert.equal(second[1], first[1]);
  const health = { unhealthy: ["b/x"], unknown: [] };
  const third = distributor.distribute({ services: later, ...input, health });
  assert.equal(third[0], second[0]);
  assert.notEqual(third[1], second[1]);
});

test("the difference found by listing is the difference of the two contents", () => {
  const content = fc
    .record({
      services: fc.dictionary(fc.string({ maxLength: 3 }), fc.string({ maxLength: 2 })),
      floating: fc.dictionary(fc.string({ maxLength: 3 }), fc.constant("")),
    })
    .map(({ services, floating }): Elements => {
      const maps = { services: new Map(Object.entries(services)) };
      return { ...noElements(), ...maps, floating: new Map(Object.entries(floating)) };
    });
  fc.assert(
    fc.property(content, content, (wanted, present) => {
      const difference = new TableDifference();
      difference.want(wanted);
      for (const set of CONFIGURED) {
        for (const [key, value] of present[set]) difference.see(set, key, value);
      }
      if (!difference.isWhole) difference.lack(wanted);
      assert.deepEqual(difference.changes(), diffElements(wanted, present));
    }),
    { numRuns: 500 },
  );
});
