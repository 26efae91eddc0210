import assert from "node:assert/strict";
import { test } from "node:test";
import { type CheckConfig, millis, seconds } from "@lbpair/common";
import type { CheckTarget } from "./types.js";
import { VerdictBook } from "./verdict-book.js";

const connect = (failures: number): CheckConfig => ({
  type: "connect",
  interval: seconds(30),
  timeout: seconds(10),
  failures,
  successes: 1,
});
const target = (changes: Partial<CheckTarget> = {}): CheckTarget => ({
  id: "VNA/PrimaryCluster",
  service: "VNA",
  server: "PrimaryCluster",
  vip: "192.168.200.100",
  vports: [{ first: 12000, last: 12000 }],
  address: "192.168.100.110",
  protocol: "tcp",
  check: connect(3),
  ...changes,
});
const ID = "VNA/PrimaryCluster";
const pass = { passed: true, reason: "fine" };
const fail = { passed: false, reason: "refused" };

function bookWith(results: readonly boolean[]): VerdictBook {
  const book = new VerdictBook((text) => text);
  book.setTargets([target()], millis(0));
  for (const [i, passed] of results.entries()) {
    book.addResult(ID, passed ? pass : fail, millis(i * 10), millis(i * 10 + 5));
  }
  book.refresh();
  return book;
}
const relived = (book: VerdictBook): VerdictBook => {
  const next = new VerdictBook((text) => text);
  next.remember(book.memory(millis(100)));
  return next;
};

test("the next life begins with the verdict, the count and the timetable of the last", () => {
  const book = relived(bookWith([true, false, false]));
  book.setTargets([target()], millis(100));
  const verdict = book.own().get(ID);
  assert.deepEqual([verdict?.health, verdict?.count, verdict?.countNeeded], ["healthy", 2, 3]);
  assert.equal(book.lastStart(ID), 20);
  assert.equal(book.followed().source, "memory");
  assert.equal(book.addResult(ID, fail, millis(110), millis(111))?.after.health, "unhealthy");
  book.refresh();
  assert.deepEqual([book.followed().source, book.followed().unhealthy], ["own", [ID]]);
});

test("a server found dead in the last life is dead in the next until a check says otherwise", () => {
  const last = bookWith([false]);
  const book = relived(last);
  book.setTargets([target()], millis(100));
  assert.deepEqual(book.followed().unhealthy, [ID]);
  assert.equal(book.followed().serial, last.followed().serial, "equal lists, equal serial");
});

test("a verdict belongs to an address: a server moved elsewhere is unknown", () => {
  const book = relived(bookWith([false]));
  book.setTargets([target({ address: "192.168.100.111" })], millis(100));
  assert.deepEqual(book.followed().unknown, [ID]);
  book.addResult(ID, pass, millis(101), millis(102));
  book.setTargets([target({ address: "192.168.100.111", port: 104 })], millis(103));
  assert.deepEqual(book.followed().unknown, [ID]);
});

test("another question keeps the verdict and counts from nothing", () => {
  const book = bookWith([true, false, false]);
  book.setTargets([target({ check: connect(5) })], millis(100));
  const verdict = book.own().get(ID);
  assert.deepEqual([verdict?.health, verdict?.count, verdict?.countNeeded], ["healthy", 0, 5]);
});

test("the same question asked again changes nothing", () => {
  const book = bookWith([true, false, false]);
  const before = book.own().get(ID);
  book.setTargets([target()], millis(100));
  assert.deepEqual(book.own().get(ID), before);
});

test("always on and always off are verdicts at once, without a count", () => {
  const book = bookWith([false]);
  book.setTargets([target({ check: { type: "on" } })], millis(100));
  assert.deepEqual(book.followed().unhealthy, []);
  assert.equal(book.own().get(ID)?.countNeeded, 0);
  assert.equal(book.own().get(ID)?.reason, "no checks, always on");
  book.setTargets([target({ check: { type: "off" } })], millis(101));
  assert.deepEqual(book.followed().unhealthy, [ID]);
});

test("an inherited verdict survives a restart of the node that took over", () => {
  const book = bookWith([true]);
  book.setCondition("passive", true, millis(50));
  book.followActive({ serial: 9, hash: "theirs", unhealthy: [ID], unknown: [] });
  book.setCondition("active", false, millis(60));
  assert.deepEqual([book.followed().source, book.followed().unhealthy], ["active", [ID]]);
  const next = relived(book);
  next.setTargets([target()], millis(100));
  assert.deepEqual([next.followed().source, next.followed().unhealthy], ["memory", [ID]]);
  next.addResult(ID, pass, millis(110), millis(111));
  next.refresh();
  assert.deepEqual([next.followed().source, next.followed().unhealthy], ["own", []]);
});

test("a passive node's next life remembers what it followed, not only what it found", () => {
  const book = bookWith([true]);
  book.setCondition("passive", true, millis(50));
  book.followActive({ serial: 9, hash: "theirs", unhealthy: [ID], unknown: [] });
  const next = relived(book);
  next.setTargets([target()], millis(100));
  assert.deepEqual(next.followed().unhealthy, [ID]);
});

test("a server no longer configured is forgotten", () => {
  const book = bookWith([false]);
  book.setTargets([], millis(100));
  assert.deepEqual(book.followed().unhealthy, []);
  assert.equal(book.addResult(ID, fail, millis(101), millis(102)), undefined);
  book.setTargets([target()], millis(103));
  assert.deepEqual(book.followed().unknown, [ID]);
});
