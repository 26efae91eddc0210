// heartbeat-disk.test.ts — the disk hangs for good, and the pair does not notice: adverts, hand over, take over, status.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { AppliancePaths, EventRecord, MakeActiveAnswer } from "@lbpair/common";
import { FreezableDisk, noFreezableDisk } from "./freezable-disk.js";
import { type Cable, layCable, pause, unsupported } from "./heartbeat-namespaces.js";
import { FLOATING, OneHeartbeat, ScriptedPeer, until, writeAppliance } from "./one-heartbeat.js";

const reason = unsupported() ?? noFreezableDisk();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const PATIENCE_MS = 20_000;
const KEEPALIVE_MS = 200;
const DEADTIME_MS = 1000;
/** Threads of libuv's pool: where the only one hangs, nothing that needs the pool gets on. */
const ONE_THREAD = { UV_THREADPOOL_SIZE: "1" };
/** Measured while other tests may run. */
const SLACK_MS = 1500;

describe("a heartbeat whose disk hangs", { skip: reason ?? false }, () => {
  let cable: Cable;
  let folder: string;
  let disk: FreezableDisk;
  let paths: AppliancePaths;
  let peer: ScriptedPeer;
  let daemon: OneHeartbeat;
  before(async () => {
    cable = layCable();
    folder = mkdtempSync(join(tmpdir(), "lbpair-disk-"));
    disk = await FreezableDisk.mount(folder, join(folder, "state"));
    paths = writeAppliance(folder);
  });
  beforeEach(async () => {
    peer = await ScriptedPeer.open(cable);
  });
  afterEach(async () => {
    await disk.thaw().catch(() => undefined);
    await daemon.end("SIGKILL");
    peer.close();
  });
  after(async () => {
    await disk.unmount();
    cable.remove();
    rmSync(folder, { recursive: true });
  });

  const isActive = async () => (await daemon.status()).phase === "active";
  const holdsAddress = () =>
    execFileSync("ip", ["-br", "addr", "show", "dev", "e0"]).toString().includes(`${FLOATING}/`);
  const report = (ready: boolean) =>
    daemon.ask("POST /forwarder", {
      ready,
      reason: "a test",
      verdicts: { serial: 0, hash: "0".repeat(16), unhealthy: [], unknown: [] },
    });

  /** An active daemon with a ready, passive peer; then the disk hangs, and with it the pool's only thread. */
  async function hang(): Promise<void> {
    daemon = new OneHeartbeat(paths, ONE_THREAD);
    assert.ok(await until(() => peer.newest?.active === true, PATIENCE_MS), daemon.output);
    await report(true);
    await pause(500);
    await disk.freeze();
    // An event to be written: the thread is in the kernel from now on.
    await report(false);
    await report(true);
    await pause(300);
  }

  /** The longest time in which no advert came. */
  async function watchAdverts(ms: number): Promise<number> {
    peer.heard.length = 0;
    const from = performance.now();
    await pause(ms);
    const at = peer.heard.filter(({ received }) => received.kind === "advert").map((h) => h.at);
    const ends = [from, ...at, performance.now()];
    return Math.max(...ends.slice(1).map((end, i) => end - (ends[i] ?? end)));
  }

  /** The peer takes over once it is asked to, as a real one would. */
  function peerFollows(): void {
    peer.onHeard = (advert) => {
      if (!advert.yielding || advert.leaseMs > 0) return;
      const epoch = advert.highestEpoch + 1;
      peer.saying = { ready: true, active: true, epoch, highestEpoch: epoch, leaseMs: 800 };
      peer.say();
    };
  }

  test("adverts, status and events go on", async () => {
    await hang();
    const gap = await watchAdverts(3000);
    console.log(`longest time without an advert: ${gap.toFixed(0)} ms`);
    assert.ok(gap < DEADTIME_MS, `${gap} ms`);
    assert.equal((await daemon.status()).phase, "active");
    const events = (await daemon.ask("GET /events?after=0")) as EventRecord[];
    assert.ok(events.filter(({ event }) => event === "forwarder-ready").length >= 2);
    const file = readFileSync(paths.eventsFile("heartbeat"), "utf8");
    const written = file.split("\n").filter((line) => line.includes('"a test"')).length;
    await disk.thaw();
    const caughtUp = () =>
      readFileSync(paths.eventsFile("heartbeat"), "utf8").includes("not ready: a test");
    assert.ok(await until(caughtUp, PATIENCE_MS), `nothing was lost; before the thaw: ${written}`);
  });

  test("an order to hand over waits for the disk in bounded time, says so, and is carried out", async () => {
    await hang();
    peerFollows();
    const answer = (await daemon.ask(
      "POST /make-active",
      { designation: "secondary" },
      PATIENCE_MS,
    )) as MakeActiveAnswer;
    console.log(`${answer.tookMs} ms: ${answer.message}`);
    assert.ok(answer.done, answer.message);
    assert.match(answer.message, /the disk did not take the order within/);
    assert.ok(await until(() => !holdsAddress(), PATIENCE_MS), "the address is lowered");
  });

  test("an active that falls silent is taken over from as soon as ever", async () => {
    await hang();
    peerFollows();
    await daemon.ask("POST /make-active", { designation: "secondary" }, PATIENCE_MS);
    assert.ok(await until(() => !holdsAddress(), PATIENCE_MS));
    await pause(2 * KEEPALIVE_MS);
    peer.silent = true;
    const from = performance.now();
    assert.ok(await until(() => peer.newest?.active === true, PATIENCE_MS), daemon.output);
    const tookMs = performance.now() - from;
    console.log(`active ${tookMs.toFixed(0)} ms after the peer fell silent`);
    assert.ok(holdsAddress(), "the address is up");
    assert.ok(tookMs < DEADTIME_MS + SLACK_MS, `${tookMs} ms`);
  });

  test("a restart by order is refused, because the process could not end, and nothing changes", async () => {
    await hang();
    // Something that it has to remember, and cannot.
    await daemon.ask("POST /make-active", { designation: "primary" }, PATIENCE_MS);
    await assert.rejects(daemon.ask("POST /restart", undefined, PATIENCE_MS), /could not end/);
    assert.ok(await isActive());
    assert.ok((await watchAdverts(1000)) < DEADTIME_MS);
    await disk.thaw();
    const allowed = async () => {
      const answer = daemon.ask("POST /restart", undefined, PATIENCE_MS);
      return answer.then(
        () => true,
        () => false,
      );
    };
    assert.ok(await until(allowed, PATIENCE_MS), "with the disk back it is done");
    assert.ok(await until(() => daemon.exited, PATIENCE_MS), "and the process ends");
  });

  test("SIGTERM hands over first, whatever becomes of the process", async () => {
    await hang();
    peerFollows();
    daemon.child.kill("SIGTERM");
    const handedOver = () => peer.saying.active === true && !holdsAddress();
    assert.ok(await until(handedOver, PATIENCE_MS), daemon.output);
    await disk.thaw();
    assert.ok(await until(() => daemon.exited, PATIENCE_MS), "it ends once the disk answers");
  });

  test("a reader of the log that never reads holds nothing up", async () => {
    daemon = new OneHeartbeat(paths, ONE_THREAD);
    assert.ok(await until(() => peer.newest?.active === true, PATIENCE_MS), daemon.output);
    daemon.child.stdout?.pause();
    // More than the pipe and the pipe's reader hold.
    for (let i = 0; i < 1500; i += 1) await report(i % 2 === 0);
    await report(true);
    const gap = await watchAdverts(2000);
    console.log(`longest time without an advert: ${gap.toFixed(0)} ms`);
    assert.ok(gap < DEADTIME_MS, `${gap} ms`);
    assert.ok(await isActive());
    peerFollows();
    const answer = await daemon.ask("POST /make-active", { designation: "secondary" }, PATIENCE_MS);
    assert.ok((answer as MakeActiveAnswer).done);
  });
});
