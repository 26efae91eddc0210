import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, type Millis, millis } from "@lbpair/common";
import type { Lease } from "./adapters/lease.js";
import type { LeaseAnswer } from "./core/lease-book.js";
import { LeaseKeeper } from "./lease-keeper.js";

/** A kernel that gives the answers it is told, "held" after that. */
function scripted(answers: readonly LeaseAnswer[] = []) {
  const left = [...answers];
  const asked: string[] = [];
  const ask = (what: string) => async (): Promise<LeaseAnswer> => {
    asked.push(what);
    return left.shift() ?? "held";
  };
  const time = { now: 0 };
  /** Of nft that were killed, how many the kernel still holds. */
  const held = { unsettled: 0 };
  const clock: Clock = { now: () => time.now as Millis, wall: () => new Date(0) };
  const lease: Lease = {
    open: async () => {
      asked.push("open");
      return { changed: true };
    },
    grant: ask("grant"),
    refresh: ask("refresh"),
    revoke: ask("revoke"),
    letThrough: (length) => ask(`letThrough ${length}`)(),
    remaining: async () => null,
    hook: "egress",
    lastRefusal: "",
    restarts: 0,
    get unsettled() {
      return held.unsettled;
    },
    prepare: () => undefined,
    close: () => undefined,
  };
  return { keeper: new LeaseKeeper(lease, clock), asked, time, clock, held };
}

const LEASE = millis(800);

test("a take over does not fail because one nft hung, or because the gate had been flushed", async () => {
  const { keeper, asked } = scripted(["no-answer", "table-missing", "held"]);
  await keeper.grant(LEASE);
  assert.deepEqual(asked, ["grant", "grant", "open", "grant"]);
  assert.equal(keeper.held, true);
});

test("a revocation that nobody acknowledged is tried again, then told, and the peer is told how long to wait", async () => {
  const hung: LeaseAnswer[] = ["held", "no-answer", "no-answer", "no-answer"];
  const { keeper, asked, time } = scripted(hung);
  await keeper.grant(LEASE);
  time.now = 300;
  await assert.rejects(keeper.revoke(), /may run on/);
  assert.equal(asked.filter((what) => what === "revoke").length, 3);
  assert.equal(keeper.held, false);
  assert.equal(keeper.mayAnswerMs(millis(300)), 500);
  assert.equal(keeper.lapsed(millis(5000)), false, "what is not held does not lapse");
  await keeper.revoke();
  assert.equal(keeper.mayAnswerMs(millis(300)), 0);
});

test("without a table everything is let through, so a revocation sets it up again", async () => {
  const { keeper, asked } = scripted(["held", "table-missing"]);
  await keeper.grant(LEASE);
  await keeper.revoke();
  assert.deepEqual(asked, ["grant", "revoke", "open"]);
  assert.equal(keeper.mayAnswerMs(millis(0)), 0);
});

test("a refresh that was not acknowledged may have worked: the peer waits for the longer lease", async () => {
  const { keeper, time } = scripted(["held", "no-answer"]);
  await keeper.grant(LEASE);
  time.now = 500;
  assert.equal(await keeper.refresh(millis(3000)), "held");
  assert.equal(keeper.remainingMs(millis(500)), 300, "this daemon counts on the old end");
  assert.equal(keeper.mayAnswerMs(millis(500)), 3000);
});

test("a kernel that answered late may have begun late: the peer waits from the answer, this daemon counts from its question", async () => {
  const { keeper, time } = scripted(["held"]);
  await keeper.grant(LEASE);
  time.now = 500;
  const refreshed = keeper.refresh(LEASE);
  time.now = 640;
  assert.equal(await refreshed, "held");
  assert.equal(keeper.remainingMs(millis(640)), 660);
  assert.equal(keeper.mayAnswerMs(millis(640)), 800);
});

test("a refresh under way when the lease is revoked may run, until the kernel says that the revocation came after it", async () => {
  const hung: LeaseAnswer[] = ["held", "no-answer", "no-answer", "no-answer", "no-answer"];
  const { keeper, time } = scripted(hung);
  await keeper.grant(LEASE);
  time.now = 600;
  const refreshed = keeper.refresh(LEASE);
  const revoked = keeper.revoke();
  assert.equal(keeper.mayAnswerMs(millis(600)), 800, "asked, and not answered");
  time.now = 750;
  await Promise.all([refreshed, assert.rejects(revoked, /may run on/)]);
  assert.equal(keeper.mayAnswerMs(millis(750)), 800, "it may have been done until now");
  await keeper.revoke();
  assert.equal(keeper.mayAnswerMs(millis(750)), 0);
});

test("what is revoked while the gate is being restored or granted does not come back", async () => {
  const restoring = scripted(["held", "table-missing"]);
  await restoring.keeper.grant(LEASE);
  const refreshed = restoring.keeper.refresh(LEASE);
  const revoked = restoring.keeper.revoke();
  await Promise.all([refreshed, revoked]);
  assert.equal(restoring.keeper.held, false);
  assert.equal(restoring.asked.filter((what) => what === "grant").length, 1);

  const granting = scripted();
  const granted = granting.keeper.grant(LEASE);
  await Promise.all([granted, granting.keeper.revoke()]);
  assert.equal(granting.keeper.held, false);
});

test("on suspicion everything is let through, renewed at half time, and shut when the peer is heard", async () => {
  const { keeper, asked, time } = scripted();
  await keeper.letThrough(LEASE);
  time.now = 399;
  await keeper.letThrough(LEASE);
  assert.deepEqual(asked, ["letThrough 800"]);
  time.now = 400;
  await keeper.letThrough(LEASE);
  await keeper.shut();
  assert.deepEqual(asked, ["letThrough 800", "letThrough 800", "letThrough null"]);
  await keeper.grant(LEASE);
  await keeper.shut();
  await keeper.letThrough(LEASE);
  assert.equal(asked.at(-1), "grant", "the holder of the lease lets everything through anyway");
});

test("the gate is set up by one at a time, whoever asks, and a failure is told to the one who asked", async () => {
  let open = 0;
  let most = 0;
  let calls = 0;
  const lease = {
    open: async () => {
      open += 1;
      calls += 1;
      most = Math.max(most, open);
      const failing = calls === 1;
      await new Promise((done) => setImmediate(done));
      open -= 1;
      if (failing) throw new Error("the first");
    },
  } as unknown as Lease;
  const keeper = new LeaseKeeper(lease, scripted().clock);
  const all = await Promise.allSettled([keeper.open([], []), keeper.open([], [])]);
  assert.deepEqual(
    all.map(({ status }) => status),
    ["rejected", "fulfilled"],
  );
  assert.equal(most, 1);
});

test("a killed nft that has not ended may prolong the lease once more, whatever was acknowledged since", async () => {
  const { keeper, time, held } = scripted(["held", "no-answer", "held"]);
  await keeper.grant(LEASE);
  time.now = 200;
  held.unsettled = 1;
  await keeper.refresh(millis(700));
  assert.equal(
    keeper.mayAnswerMs(millis(200)),
    1400,
    "done now by nobody's word, and then once more",
  );
  time.now = 400;
  await keeper.refresh(LEASE);
  assert.equal(keeper.mayAnswerMs(millis(400)), 1500);
  await keeper.revoke();
  assert.equal(keeper.mayAnswerMs(millis(400)), 700, "a grant would bring it back");
  held.unsettled = 0;
  assert.equal(keeper.mayAnswerMs(millis(400)), 0);
});
