// reading.test.ts — claims and gaps as third hosts and clients saw them become the figures of the table.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Claim, claimRuns, hostPlan, overlaps, unanswered } from "@lbpair/lab";
import {
  echoOutageMs,
  exactlyOneAfterMs,
  lastAnnouncedAtMs,
  newcomersWellAfterMs,
  noClaimantMs,
  roleChanges,
  takenOverAtMs,
  twoClaimantsMs,
  worstNewcomerMs,
} from "./reading.js";
import type { Seen } from "./watch.js";

const macOf = (name: "lb1" | "lb2") =>
  hostPlan(name).cables.find(({ network }) => network === "front")?.mac ?? "";

/** An answer every 5 ms from each stretch's node. */
const answers = (...stretches: readonly (readonly ["lb1" | "lb2", number, number])[]): Claim[] =>
  stretches
    .flatMap(([name, fromMs, toMs]) =>
      Array.from(
        { length: Math.floor((toMs - fromMs) / 5) + 1 },
        (_, i): Claim => ({ atMs: fromMs + 5 * i, mac: macOf(name), kind: "answer" }),
      ),
    )
    .sort((a, b) => a.atMs - b.atMs);

/** A question every 5 ms, each answered in no time. */
const ASKED = Array.from({ length: 601 }, (_, i) => 5 * i);

function seen(claims: readonly Claim[], more: Partial<Seen> = {}): Seen {
  const runs = claimRuns(claims, 20);
  const address = {
    ...{ address: "192.168.200.100", asked: 0, claims, runs },
    ...{ overlaps: overlaps(runs), longestSilenceMs: 0, unanswered: unanswered(ASKED, claims) },
  };
  const gaps = {
    sent: 0,
    answered: 0,
    duplicates: 0,
    lost: 0,
    outageMs: 0,
    lossSpanMs: 0,
    gaps: [],
  };
  return {
    echo: { ...gaps, servers: {}, latenessMaxMs: 0 },
    newcomers: undefined,
    open: [],
    addresses: [address],
    moments: {},
    endMs: 3000,
    ...more,
  };
}

const ALL = { fromMs: 0, toMs: 3000 };

test("one node that answers all the time: no role change, no duplicate, nothing to settle", () => {
  const calm = seen(answers(["lb1", 0, 3000]));
  assert.equal(roleChanges(calm, ALL), 0);
  assert.equal(twoClaimantsMs(calm, ALL), 0);
  assert.equal(exactlyOneAfterMs(calm, ALL), 0);
  assert.equal(noClaimantMs(calm, ALL), 0);
});

test("a take over after 300 ms of silence is one role change, and exactly one answers from then on", () => {
  const moved = seen(answers(["lb1", 0, 1000], ["lb2", 1300, 3000]));
  const after = { fromMs: 1000, toMs: 3000 };
  assert.equal(roleChanges(moved, ALL), 1);
  assert.equal(takenOverAtMs(moved, "lb1", 1000), 1300);
  assert.equal(noClaimantMs(moved, ALL), 295);
  assert.equal(exactlyOneAfterMs(moved, after), 300);
  assert.equal(twoClaimantsMs(moved, ALL), 0);
});

test("two that answer at once are counted for as long as they do, inside the stretch only", () => {
  const both = seen(answers(["lb1", 0, 2000], ["lb2", 1000, 3000]));
  assert.equal(twoClaimantsMs(both, ALL), 1000);
  assert.equal(twoClaimantsMs(both, { fromMs: 1500, toMs: 3000 }), 500);
  assert.equal(twoClaimantsMs(both, { fromMs: 2100, toMs: 3000 }), 0);
  assert.equal(exactlyOneAfterMs(both, { fromMs: 1500, toMs: 3000 }), 500);
});

test("an address that nobody of the other node announced makes the last announcement unknown", () => {
  const one = seen(answers(["lb1", 0, 1000], ["lb2", 1300, 3000]));
  assert.equal(lastAnnouncedAtMs(one, "lb1", 1000), 1300);
  const [vip] = one.addresses;
  assert.ok(vip !== undefined);
  const silent = { ...vip, address: "10.77.1.1", claims: [], runs: [] };
  assert.equal(lastAnnouncedAtMs({ ...one, addresses: [vip, silent] }, "lb1", 1000), undefined);
});

test("an outage counts where it meets the stretch, and is over when the last bad span is", () => {
  const calm = seen([]);
  const gaps = [
    { fromMs: 100, toMs: 130 },
    { fromMs: 990, toMs: 1060 },
  ];
  const spans = [{ fromMs: 1010, toMs: 1080, attempts: 3 }];
  const bad: Seen = {
    ...calm,
    echo: { ...calm.echo, gaps },
    newcomers: {
      ...{ attempts: 0, succeeded: 0, slow: 0, failed: 0, outageMs: 0, spans, errors: {} },
      ...{ servers: {}, medianMs: 0, slowestMs: 0, listed: [] },
    },
  };
  assert.equal(echoOutageMs(bad, { fromMs: 0, toMs: 500 }), 30);
  assert.equal(echoOutageMs(bad, { fromMs: 1000, toMs: 2000 }), 70);
  assert.equal(newcomersWellAfterMs(bad, { fromMs: 1000, toMs: 2000 }), 80);
  assert.equal(newcomersWellAfterMs(bad, { fromMs: 1100, toMs: 2000 }), 0);
});

test("what a switch met or began is the switch's; the calm's is what began and ended in it", () => {
  const base = seen([]);
  const listed = [
    { startedMs: 95, tookMs: 10 },
    { startedMs: 190, tookMs: 1010 },
    { startedMs: 250, tookMs: 4 },
  ];
  const both: Seen = {
    ...base,
    newcomers: {
      ...{ attempts: 0, succeeded: 0, slow: 0, failed: 0, outageMs: 0, spans: [], errors: {} },
      ...{ servers: {}, medianMs: 0, slowestMs: 0, listed },
    },
  };
  assert.equal(worstNewcomerMs(both, { fromMs: 100, toMs: 200 }, false), 1010);
  assert.equal(worstNewcomerMs(both, { fromMs: 200, toMs: 300 }, true), 4);
  assert.equal(worstNewcomerMs(both, { fromMs: 0, toMs: 100 }, true), 0);
});
