// restart-heartbeats.test.ts — the order of a restart of both, and what is left untouched where one does not come back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, type HeartbeatStatus, millis } from "@lbpair/common";
import {
  type HeartbeatSite,
  NotBackError,
  notWell,
  RESTART_BACK_MS_MAX,
  restartHeartbeats,
} from "./restart-heartbeats.js";
import { sampleHeartbeat } from "./view/sample-statuses.js";

const SIGNAL = new AbortController().signal;

/** A clock that runs a hundred times as fast. */
const began = performance.now();
const clock = { now: () => millis((performance.now() - began) * 100) } as Clock;

class Site implements HeartbeatSite {
  readonly name: string;
  readonly told: string[];
  status: HeartbeatStatus;
  /** What becomes of it when it is restarted. */
  next: Partial<HeartbeatStatus> | null;
  constructor(name: string, condition: HeartbeatStatus["condition"], told: string[]) {
    this.name = name;
    this.told = told;
    this.status = sampleHeartbeat({ node: name, condition, phase: condition, pid: 10 });
    this.next = { pid: 11 };
  }
  async look(): Promise<HeartbeatStatus> {
    return this.status;
  }
  async restart(): Promise<void> {
    this.told.push(this.name);
    if (this.next === null) {
      this.look = () => Promise.reject(new Error("nobody answers"));
      return;
    }
    this.status = { ...this.status, ...this.next };
  }
}

test("the passive node's is restarted first, whichever node asks", async () => {
  for (const active of ["lb1", "lb2"]) {
    const told: string[] = [];
    const here = new Site("lb1", active === "lb1" ? "active" : "passive", told);
    const peer = new Site("lb2", active === "lb2" ? "active" : "passive", told);
    const back: string[] = [];
    const world = { clock, signal: SIGNAL };
    await restartHeartbeats(here, peer, world, ({ node }) => back.push(node));
    assert.deepEqual(told, active === "lb1" ? ["lb2", "lb1"] : ["lb1", "lb2"]);
    assert.deepEqual(back, told);
  }
});

test("where the first does not come back well, the second is not touched", async () => {
  const ways: readonly [Partial<HeartbeatStatus> | null, RegExp][] = [
    [null, /nobody answers/],
    [{ pid: 11, phase: "starting" }, /still listens/],
    [{ pid: 11, forwarderReady: false }, /forwarder is not ready/],
  ];
  for (const [next, why] of ways) {
    const told: string[] = [];
    const here = new Site("lb1", "active", told);
    const peer = new Site("lb2", "passive", told);
    peer.next = next;
    const started = clock.now();
    const failed = await restartHeartbeats(
      here,
      peer,
      { clock, signal: SIGNAL },
      () => undefined,
    ).then(
      () => assert.fail("it did not come back"),
      (error: unknown) => error,
    );
    assert.ok(failed instanceof NotBackError);
    assert.match(failed.message, why);
    assert.match(failed.message, /the heartbeat of lb1 was not touched/);
    assert.deepEqual(told, ["lb2"]);
    assert.ok(clock.now() - started < 3 * RESTART_BACK_MS_MAX, "bounded");
  }
});

test("back means: another process, settled, ready, and hearing as before", () => {
  const was = sampleHeartbeat({ pid: 10 });
  const well = { ...was, pid: 11 };
  assert.equal(notWell(well, was), undefined);
  const { peer, paths } = was;
  assert.ok(peer !== null);
  assert.match(notWell(was, was) ?? "", /not left/);
  assert.match(notWell({ ...well, peer: { ...peer, alive: false } }, was) ?? "", /does not hear/);
  const silent = paths.map((path) => ({ ...path, state: "silent" as const }));
  assert.match(notWell({ ...well, paths: silent }, was) ?? "", /hears 0 of 2 paths/);
  const alone = { ...was, peer: { ...peer, alive: false } };
  assert.equal(
    notWell({ ...alone, pid: 11 }, alone),
    undefined,
    "nothing to hear, nothing to wait for",
  );
});
