// heartbeat-stop.test.ts — ordered ends hand over first, whatever else is being ended; and no claim without rules.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { AppliancePaths } from "@lbpair/common";
import { type Cable, layCable, pause, unsupported } from "./heartbeat-namespaces.js";
import { FLOATING, OneHeartbeat, ScriptedPeer, until, writeAppliance } from "./one-heartbeat.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const PATIENCE_MS = 20_000;
const DEADTIME_MS = 1000;
const UNITS = fileURLToPath(new URL("../../../deploy/systemd/", import.meta.url));

test("the units stop the heartbeat before the network and the rules, and signal it alone", () => {
  const unit = (name: string) => readFileSync(join(UNITS, `lbpair-${name}.service`), "utf8");
  const heartbeat = unit("heartbeat");
  assert.match(heartbeat, /^After=(?=.*\bnetwork\.target\b)(?=.*\blbpair-forwarder\.service\b)/m);
  assert.doesNotMatch(heartbeat, /^(?:After|Wants|Requires)=.*network-online/m);
  assert.match(heartbeat, /^KillMode=mixed$/m);
  assert.match(unit("forwarder"), /^Before=.*\bnetwork-pre\.target\b/m);
  for (const name of ["forwarder", "heartbeat", "replicator"]) {
    assert.match(unit(name), /^Restart=always$/m);
    assert.match(unit(name), /^StartLimitIntervalSec=0$/m, `${name} is never given up`);
  }
});

describe("a heartbeat that is to end", { skip: reason ?? false }, () => {
  let cable: Cable;
  let folder: string;
  let paths: AppliancePaths;
  let peer: ScriptedPeer;
  let daemon: OneHeartbeat;
  before(() => {
    cable = layCable();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "lbpair-stop-"));
    paths = writeAppliance(folder);
    peer = await ScriptedPeer.open(cable);
  });
  afterEach(async () => {
    await daemon.end("SIGKILL");
    peer.close();
    rmSync(folder, { recursive: true });
  });
  after(() => cable.remove());

  const holdsAddress = () =>
    execFileSync("ip", ["-br", "addr", "show", "dev", "e0"]).toString().includes(`${FLOATING}/`);

  /** Answers the offer as a real peer would; tells when that was. */
  function peerFollows(): { readonly claimedAt: () => number } {
    let claimedAt = Number.NaN;
    peer.onHeard = (advert) => {
      if (!advert.yielding || advert.leaseMs > 0 || !Number.isNaN(claimedAt)) return;
      claimedAt = performance.now();
      const epoch = advert.highestEpoch + 1;
      peer.saying = { ready: true, active: true, epoch, highestEpoch: epoch, leaseMs: 800 };
      peer.say();
    };
    return { claimedAt: () => claimedAt };
  }

  async function startActive(): Promise<void> {
    daemon = new OneHeartbeat(paths);
    assert.ok(await until(() => peer.newest?.active === true, PATIENCE_MS), daemon.output);
    await pause(1500);
  }

  const childrenOf = (pid: number): number[] =>
    readdirSync(`/proc/${pid}/task`)
      .flatMap((thread) => {
        const file = `/proc/${pid}/task/${thread}/children`;
        return readFileSync(file, "utf8").trim().split(" ");
      })
      .filter((word) => word !== "")
      .flatMap((child) => [Number(child), ...childrenOf(Number(child))]);

  for (const withChildren of [false, true]) {
    const whom = withChildren ? "and every process it keeps, at the same moment" : "alone";
    test(`SIGTERM to the daemon ${whom}: it hands over, lowers its addresses, and ends`, async () => {
      await startActive();
      const { claimedAt } = peerFollows();
      const { pid } = daemon.child;
      assert.ok(pid !== undefined);
      const kept = withChildren ? childrenOf(pid) : [];
      const from = performance.now();
      for (const each of [pid, ...kept]) process.kill(each, "SIGTERM");
      assert.ok(await until(() => daemon.exited, PATIENCE_MS), daemon.output);
      const endedMs = performance.now() - from;
      const offeredMs = claimedAt() - from;
      console.log(
        `${kept.length} more ended; offered after ${offeredMs.toFixed(0)} ms, gone after ${endedMs.toFixed(0)} ms`,
      );
      assert.ok(offeredMs < DEADTIME_MS, `offered after ${offeredMs} ms`);
      assert.equal(holdsAddress(), false);
      assert.equal(daemon.child.exitCode, 0);
    });
  }

  test("without rules of the forwarder it claims nothing, not even from silence; with them at once", async () => {
    rmSync(paths.forwarderReadyFile);
    peer.saying = { ready: true, active: true, epoch: 3, highestEpoch: 3, leaseMs: 800 };
    daemon = new OneHeartbeat(paths);
    assert.ok(await until(() => peer.newest !== null, PATIENCE_MS), daemon.output);
    await pause(500);
    peer.silent = true;
    await pause(4 * DEADTIME_MS);
    assert.equal((await daemon.status()).condition, "passive");
    assert.equal(holdsAddress(), false);
    const verdicts = { serial: 0, hash: "0".repeat(16), unhealthy: [], unknown: [] };
    await daemon.ask("POST /forwarder", { ready: true, reason: "", verdicts });
    assert.ok(await until(holdsAddress, PATIENCE_MS), "it claims now");
  });
});
