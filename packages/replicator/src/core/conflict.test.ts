import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeServices, losesWork, modesWinner, type NodeFacts, nextSerial } from "./conflict.js";

const id = (serial: number, hash = "a") => ({ serial, hash });
const facts = (designation: "primary" | "secondary", more: Partial<NodeFacts> = {}): NodeFacts => ({
  designation,
  revision: id(5),
  intact: true,
  edited: false,
  modes: id(0),
  ...more,
});

test("of two lists of modes the newer wins, and of equally new ones the primary's", () => {
  assert.equal(modesWinner(id(2), id(1), "secondary"), "here");
  assert.equal(modesWinner(id(1), id(2), "primary"), "peer");
  assert.equal(modesWinner(id(2, "a"), id(2, "b"), "primary"), "here");
  assert.equal(modesWinner(id(2, "a"), id(2, "b"), "secondary"), "peer");
  assert.equal(modesWinner(id(2), id(2), "secondary"), "same");
});

test("both nodes come to the same winner", () => {
  for (const a of [id(1, "a"), id(2, "b"), id(2, "c")]) {
    for (const b of [id(1, "a"), id(2, "b"), id(2, "c")]) {
      const turn = { same: "same", here: "peer", peer: "here" } as const;
      assert.equal(modesWinner(a, b, "primary"), turn[modesWinner(b, a, "secondary")]);
    }
  }
});

test("a losing list is kept only where it holds work that the winner never saw", () => {
  assert.equal(losesWork(id(5, "x"), id(6, "y"), id(5, "x")), false, "the list both had");
  assert.equal(losesWork(id(6, "z"), id(7, "y"), id(5, "x")), true, "set while apart");
  assert.equal(losesWork(id(6, "y"), id(7, "y"), null), false, "the same list");
  assert.equal(losesWork(id(0, "e"), id(7, "y"), null), false, "nothing was ever set");
});

test("the secondary follows an equal or newer primary, whatever it has of the same serial", () => {
  const primary = facts("primary");
  const cases: [Partial<NodeFacts>, string][] = [
    [{}, "same"],
    [{ revision: null }, "behind"],
    [{ revision: id(4) }, "behind"],
    [{ revision: id(5, "b") }, "behind"],
    [{ revision: id(6) }, "drifted"],
    [{ intact: false }, "drifted"],
    [{ edited: true }, "drifted"],
  ];
  for (const [more, kind] of cases) {
    const secondary = facts("secondary", more);
    assert.equal(judgeServices(primary, secondary).kind, kind, JSON.stringify(more));
    assert.equal(judgeServices(secondary, primary).kind, kind, "and the secondary says so too");
  }
});

test("a primary that lost its state never overwrites the secondary unasked", () => {
  assert.equal(
    judgeServices(facts("primary", { revision: null }), facts("secondary")).kind,
    "drifted",
  );
});

test("a candidate of the primary is no drift", () => {
  assert.equal(judgeServices(facts("primary", { edited: true }), facts("secondary")).kind, "same");
});

test("the next serial is above everything either node had", () => {
  assert.equal(nextSerial(null, null), 1);
  assert.equal(nextSerial(id(3), id(9)), 10);
});
