// measured-switches.test.ts — which switch counts for which row, and how it stands beside the worst case.
import assert from "node:assert/strict";
import { test } from "node:test";
import { timingTable } from "@lbpair/common";
import { plainText } from "../render/text.js";
import { measuredSwitches, showMeasured } from "./measured-switches.js";
import { SAMPLE_TRANSITIONS } from "./sample-transitions.js";
import { switchTimesLine } from "./switch-times-line.js";
import { pairTransitions } from "./transition-pairs.js";

const measuredOf = (name: string) => {
  const told = SAMPLE_TRANSITIONS[name];
  assert.ok(told !== undefined);
  return measuredSwitches(pairTransitions(told.here, told.there));
};

test("a switch counts for the failure that the other node's own record tells of", () => {
  assert.deepEqual([...measuredOf("frozen").keys()], ["freeze"]);
  assert.deepEqual(
    [...measuredOf("peer-unasked").keys()],
    ["node-failure"],
    "nobody says it lived",
  );
  assert.deepEqual([...measuredOf("ordered").keys()], ["planned"]);
  assert.deepEqual([...measuredOf("health").keys()], ["health"]);
  assert.deepEqual([...measuredOf("rolled-back").keys()], [], "nothing was switched");
});

test("of several of a kind the last one is shown, with its age", () => {
  const told = SAMPLE_TRANSITIONS.ordered;
  assert.ok(told !== undefined && told.there !== null);
  const older = pairTransitions(told.here, told.there).map((pair) => ({
    ...pair,
    atMs: pair.atMs - 3_600_000,
    main: { ...pair.main, beganMs: -400 },
  }));
  const measured = measuredSwitches([...pairTransitions(told.here, told.there), ...older]);
  const planned = measured.get("planned");
  assert.ok(planned !== undefined);
  const shown = showMeasured(measured, { event: "planned" }, planned.atMs + 180_000);
  assert.equal(shown, "23 ms, 3 min ago");
  assert.equal(showMeasured(measured, { event: "freeze" }, 0), "-");
});

test("the status line has the worst case of each kind once, the last one measured beside it", () => {
  const check = { type: "external", interval: 30_000, timeout: 10_000, failures: 10 };
  const settings = {
    keepalive: 200,
    warntime: 500,
    deadtime: 1000,
    initdead: 31_000,
    lease: 800,
    loneLease: 30_000,
    healthDamping: 1000,
    pingNodes: [],
    virtualMac: false,
  };
  const services = [
    { label: "VNA", check },
    { label: "PACS", check: { ...check, failures: 3 } },
  ];
  const measured = measuredOf("frozen");
  const at = measured.get("freeze")?.atMs ?? 0;
  const times = { timing: timingTable(settings, services), measured, nowMs: at + 60_000 };
  assert.equal(
    plainText([switchTimesLine(times)]),
    "a node dies 1.1 s; its daemon freezes 1.1 s (last 1.01 s, 60 s ago); a link is lost 1.4 s; planned 25 ms; a server dies (VNA) 310 s",
  );
});
