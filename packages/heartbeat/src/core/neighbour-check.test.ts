// neighbour-check.test.ts — promises of neighbour-check.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common";
import { CHECK_MS_MAX, NeighbourCheck, pairsOf } from "./neighbour-check.js";

const VIP = "10.0.0.100";
const A = { link: "e0", neighbour: "10.0.0.1" };
const B = { link: "e0", neighbour: "10.0.0.2" };
const MACS: Readonly<Record<string, string>> = { "10.0.0.1": "02:00:00:00:00:0a" };
const checking = (...hosts: (typeof A)[]): NeighbourCheck =>
  new NeighbourCheck(
    millis(0),
    hosts.map((host) => ({ ...host, floatingIp: VIP })),
    (_, neighbour) => MACS[neighbour] ?? null,
  );

/** Runs every round until `end`, and says what each step was when. */
function run(check: NeighbourCheck, end: number, from = 0): string[] {
  const said: string[] = [];
  let now = millis(from);
  for (let due = check.dueAt(now); due !== null && due <= end; due = check.dueAt(now)) {
    now = millis(Math.max(now, due));
    for (const step of check.round(now)) said.push(`${now} ${step.kind}`);
  }
  return said;
}

test("the first round asks only; later ones tell everybody and the one, and ask again, ever more rarely", () => {
  const check = checking(A);
  const said = run(check, 40);
  assert.deepEqual(said, [
    "0 ask",
    ...[5, 15, 35].flatMap((at) => [`${at} tell-all`, `${at} tell`, `${at} ask`, `${at} ask-own`]),
  ]);
  const times = run(check, 10_000, 35).filter((step) => step.endsWith(" ask"));
  const asked = times.map((step) => Number(step.split(" ")[0]));
  assert.deepEqual(asked.slice(0, 5), [75, 155, 315, 635, 1275]);
  assert.deepEqual(asked.slice(5, 8), [2275, 3275, 4275]);
});

test("a reply to the floating IP that came here proves it, once, and ends the questions", () => {
  const check = checking(A);
  run(check, 10);
  assert.equal(check.replied("e0", "10.0.0.9", VIP, millis(11)), false, "a host nobody asked");
  assert.equal(check.replied("e0", A.neighbour, VIP, millis(12)), true);
  assert.equal(check.replied("e0", A.neighbour, VIP, millis(13)), false);
  assert.equal(check.dueAt(millis(13)), null);
  assert.deepEqual(check.neighbours(millis(13)), [
    { ...A, floatingIp: VIP, state: "learnt", afterMs: 12 },
  ]);
  const { learnt, firstMs, lastMs } = check.summary(millis(13)) ?? {};
  assert.deepEqual([learnt, firstMs, lastMs], [1, 12, 12]);
});

test("a neighbour without a known MAC is looked for, and asked the moment it is found", () => {
  const check = checking(B);
  assert.deepEqual(check.round(millis(0)), [{ kind: "find", ...B }]);
  const steps = check.found("e0", B.neighbour, "02:00:00:00:00:0b");
  assert.deepEqual(steps, [{ kind: "ask", ...B, floatingIp: VIP, mac: "02:00:00:00:00:0b" }]);
  assert.deepEqual(check.found("e0", B.neighbour, "02:00:00:00:00:0b"), []);
});

test("who answers in our own name but not the floating IP's has not learnt, and is named after 30 s", () => {
  const check = checking(A);
  run(check, 4000);
  check.replied("e0", A.neighbour, "10.0.0.3", millis(4000));
  assert.equal(check.neighbours(millis(4001))[0]?.state, "pending");
  assert.equal(check.summary(millis(4001)), null);
  run(check, 40_000, 4000);
  const at = millis(CHECK_MS_MAX + 1);
  assert.equal(check.dueAt(at), null);
  assert.deepEqual(check.summary(at)?.refusing, [`${VIP} at ${A.neighbour}`]);
});

test("who answers nothing at all is silent after three seconds: it can be neither verified nor blamed", () => {
  const check = checking(A, B);
  check.replied("e0", A.neighbour, VIP, millis(2));
  assert.equal(check.summary(millis(3000)), null);
  const summary = check.summary(millis(3001));
  assert.deepEqual(
    [summary?.learnt, summary?.refusing, summary?.silent],
    [1, [], [`${VIP} at ${B.neighbour}`]],
  );
  assert.notEqual(check.dueAt(millis(3001)), null, "asked on all the same");
  assert.equal(check.replied("e0", B.neighbour, VIP, millis(5000)), true, "a straggler");
});

test("with more pairs than are checked, every neighbour is asked before any with the next address", () => {
  const floatingIps = Array.from({ length: 1000 }, (_, i) => `10.2.${i >> 8}.${i & 255}`);
  const hosts = Array.from({ length: 32 }, (_, i) => `10.0.0.${i}`);
  const pairs = pairsOf("e0", [...floatingIps, "fd00::1"], hosts);
  assert.equal(pairs.length, 256);
  for (const host of hosts) {
    assert.equal(pairs.filter(({ neighbour }) => neighbour === host).length, 8, host);
  }
  assert.deepEqual(pairsOf("e0", ["fd00::1"], ["10.0.0.1", "fd00::2"]), [
    { link: "e0", floatingIp: "fd00::1", neighbour: "fd00::2" },
  ]);
});
