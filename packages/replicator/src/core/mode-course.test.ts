// mode-course.test.ts — modes that end by themselves, one second either side of each moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMoment, type ModeEntry } from "@lbpair/common";
import { type CourseRequest, courseSteps, dueStep, hasCourse, readCourse } from "./mode-course.js";

const AT = Date.UTC(2026, 10, 30, 18, 0, 0);
const name = { service: "VNA", server: "P" };
const halt: ModeEntry = { ...name, mode: "halt", by: "anna", until: formatMoment(AT) };
const drain: ModeEntry = {
  ...name,
  mode: "drain",
  by: "anna",
  reason: "disks",
  since: formatMoment(AT - 7_200_000),
  haltWhenEmpty: true,
  haltAt: formatMoment(AT),
  until: formatMoment(AT + 3_600_000),
};

test("a halt with an end is over at that moment and not a second before", () => {
  assert.equal(dueStep(halt, AT - 1000, true), undefined);
  assert.equal(dueStep(halt, AT, false)?.entry, null);
});

test("a drain ends in a halt when it is empty or its time is up, and keeps author, words and end", () => {
  assert.equal(dueStep(drain, AT - 1000, false), undefined);
  const kept = { by: "anna", reason: "disks", until: drain.until };
  const late = { ...name, mode: "halt", ...kept, since: drain.haltAt };
  assert.deepEqual(dueStep(drain, AT, false)?.entry, late);
  // A node whose clock is later comes to the same list.
  assert.deepEqual(dueStep(drain, AT + 5000, false)?.entry, late);
  assert.deepEqual(dueStep(drain, AT - 60_000, true)?.entry, {
    ...late,
    since: formatMoment(AT - 60_000),
  });
  assert.equal(dueStep(drain, AT + 3_600_000, false)?.entry, null);
});

test("without the word for it a drain stays a drain, however empty", () => {
  const plain: ModeEntry = { ...name, mode: "drain" };
  assert.equal(hasCourse(plain), false);
  assert.equal(dueStep(plain, AT, true), undefined);
});

test("what is asked of another node is judged by its own list: a newer word is not touched", () => {
  const ask = (since: string | null): CourseRequest[] => [{ ...name, since, empty: true }];
  const list = { serial: 3, modes: [drain] };
  assert.equal(courseSteps(ask(drain.since ?? null), list, AT - 60_000).length, 1);
  assert.equal(courseSteps(ask("2026-11-30T00:00:00Z"), list, AT).length, 0);
  assert.equal(courseSteps(ask(null), list, AT).length, 0);
  assert.equal(courseSteps(ask(drain.since ?? null), { serial: 4, modes: [] }, AT).length, 0);
  assert.deepEqual(readCourse({ course: ask(null) }), ask(null));
  assert.equal(readCourse({ service: "VNA", server: "P", mode: "halt" }), undefined);
});
