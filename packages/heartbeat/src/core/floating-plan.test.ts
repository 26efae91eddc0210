// floating-plan.test.ts — promises of floating-plan.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { placeFloatingIps } from "./floating-plan.js";

const front = { link: "front", address: "10.0.0.1", prefixLength: 16 };
const narrow = { link: "narrow", address: "10.0.1.1", prefixLength: 24 };
const wanted = [
  { label: "wide", address: "10.0.0.100" },
  { label: "narrow", address: "10.0.1.100" },
  { label: "six", address: "fd00::100" },
];

test("the narrowest network that contains it carries a floating IP, and those that stand there already are none", () => {
  const standing = wanted.map(({ address }) => ({
    link: "elsewhere",
    address,
    prefixLength: address.includes(":") ? 128 : 32,
  }));
  const { placed, problems } = placeFloatingIps(wanted, [front, narrow, ...standing]);
  assert.deepEqual(
    placed.map(({ label, link }) => `${label} on ${link}`),
    ["wide on front", "narrow on narrow"],
  );
  assert.deepEqual(
    problems.map(({ code, path }) => `${code} ${path}`),
    ["no-interface six"],
  );
});

test("an address that this node owns with its network is no floating IP", () => {
  const { placed, problems } = placeFloatingIps(
    [{ label: "own", address: "10.0.1.1" }],
    [front, narrow],
  );
  assert.deepEqual(placed, []);
  assert.deepEqual(
    problems.map(({ code, got }) => `${code}: ${got}`),
    ["address-local: 10.0.1.1, this node's own address on narrow"],
  );
});
