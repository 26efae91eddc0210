import assert from "node:assert/strict";
import { test } from "node:test";
import { planScripts, planValues } from "./plan.js";

const service = (label: string, fields: object = {}) => ({
  label,
  ports: [80, "90-91"],
  ...fields,
});

test("each changed field is named by labels, added and removed ones as such", () => {
  const was = {
    heartbeat: { keepalive: "200ms" },
    virtualServices: [
      service("VNA", {
        realServers: [
          { label: "A", weight: 100 },
          { label: "B", weight: 1 },
        ],
      }),
      service("old"),
    ],
  };
  const becomes = {
    heartbeat: { keepalive: "100ms", deadtime: "1s" },
    virtualServices: [
      service("new"),
      service("VNA", {
        ports: [80, 92],
        realServers: [
          { label: "B", weight: 1 },
          { label: "A", weight: 50 },
        ],
      }),
    ],
  };
  assert.deepEqual(planValues(was, becomes), [
    { path: "heartbeat.keepalive", kind: "change", was: "200ms", becomes: "100ms" },
    { path: "heartbeat.deadtime", kind: "add", was: null, becomes: "1s" },
    { path: "virtualServices.VNA.ports", kind: "change", was: "[80, 90-91]", becomes: "[80, 92]" },
    { path: "virtualServices.VNA.realServers.A.weight", kind: "change", was: "100", becomes: "50" },
    {
      path: "virtualServices.old",
      kind: "remove",
      was: "{ label: old, ports: [80, 90-91] }",
      becomes: null,
    },
    {
      path: "virtualServices.new",
      kind: "add",
      was: null,
      becomes: "{ label: new, ports: [80, 90-91] }",
    },
  ]);
});

test("equal configurations differ in nothing, whatever the order of labelled lists", () => {
  const one = { virtualServices: [service("a"), service("b")] };
  const two = { virtualServices: [service("b"), service("a")] };
  assert.deepEqual(planValues(one, two), []);
});

test("a first configuration is all added, and control characters do not reach the terminal", () => {
  const changes = planValues(null, { virtualServices: [service("a\u001b[31m")] });
  assert.equal(changes.length, 1);
  assert.equal(changes[0]?.kind, "add");
  assert.equal(changes[0]?.becomes, "{ label: a?[31m, ports: [80, 90-91] }");
});

test("two entries of one label are shown as a whole, not mixed up", () => {
  const changes = planValues({ list: [service("a"), service("a")] }, { list: [service("a")] });
  assert.deepEqual(
    changes.map((change) => change.path),
    ["list"],
  );
});

test("scripts are compared by name and shown by their length", () => {
  const was = new Map([
    ["health-checks/a", "1\n2\n"],
    ["health-checks/b", "1\n"],
  ]);
  const becomes = new Map([
    ["health-checks/a", "1\n"],
    ["health-checks/c", ""],
  ]);
  assert.deepEqual(planScripts(was, becomes), [
    { path: "health-checks/a", kind: "change", was: "2 lines", becomes: "1 line" },
    { path: "health-checks/b", kind: "remove", was: "1 line", becomes: null },
    { path: "health-checks/c", kind: "add", was: null, becomes: "1 line" },
  ]);
});
