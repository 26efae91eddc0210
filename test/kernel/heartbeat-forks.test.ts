// heartbeat-forks.test.ts — the running daemon forks nothing: a fork waits for locks that ordinary processes hold.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { AppliancePaths } from "@lbpair/common";
import { type Cable, layCable, pause, unsupported } from "./heartbeat-namespaces.js";
import { FLOATING, OneHeartbeat, ScriptedPeer, until, writeAppliance } from "./one-heartbeat.js";

const reason = unsupported() ?? noStrace();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const PATIENCE_MS = 20_000;
/** The routers are asked each minute. */
const STEADY_MS = 61_000;
/** Field 41 of proc(5)'s stat; the fields before the third may hold spaces. */
const SCHEDULING_FIELD = 41 - 3;

function noStrace(): string | undefined {
  try {
    execFileSync("strace", ["-V"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "strace is not there";
  }
}

/** Every new process of a running one from now on; its new threads are none. */
class ForkWatch {
  private readonly strace: ChildProcess;
  private readonly file: string;

  constructor(pid: number, file: string) {
    this.file = file;
    const calls = "trace=clone,clone3,fork,vfork";
    const argv = ["-f", "-qq", "-e", calls, "-e", "signal=none", "-o", file, "-p", `${pid}`];
    this.strace = spawn("strace", argv, { stdio: "ignore" });
  }

  /** Whether it is attached: the kernel names who traces a process. */
  attached(pid: number): boolean {
    return readFileSync(`/proc/${pid}/status`, "utf8").includes(`TracerPid:\t${this.strace.pid}\n`);
  }

  get forks(): string[] {
    const calls = readFileSync(this.file, "utf8").split("\n");
    return calls.filter((line) => /fork|clone/.test(line) && !line.includes("CLONE_THREAD"));
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.strace.once("exit", resolve));
    this.strace.kill("SIGTERM");
    await gone;
  }
}

describe("a running heartbeat", { skip: reason ?? false }, () => {
  let cable: Cable;
  let folder: string;
  let paths: AppliancePaths;
  let peer: ScriptedPeer;
  let daemon: OneHeartbeat;
  let watch: ForkWatch | undefined;
  before(() => {
    cable = layCable();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "lbpair-forks-"));
    paths = writeAppliance(folder);
    peer = await ScriptedPeer.open(cable);
  });
  afterEach(async () => {
    await watch?.end();
    watch = undefined;
    await daemon.end("SIGKILL");
    peer.close();
    rmSync(folder, { recursive: true });
  });
  after(() => cable.remove());

  const holdsAddress = () =>
    execFileSync("ip", ["-br", "addr", "show", "dev", "e0"]).toString().includes(`${FLOATING}/`);
  const claims = (epoch: number) => ({
    ready: true,
    active: true,
    epoch,
    highestEpoch: epoch,
    leaseMs: 800,
  });

  /** A daemon that has been passive beside an active peer for some seconds, watched from then on. */
  async function startPassive(): Promise<ForkWatch> {
    peer.saying = claims(3);
    daemon = new OneHeartbeat(paths);
    assert.ok(await until(() => peer.newest !== null, PATIENCE_MS), daemon.output);
    await pause(3000);
    assert.equal((await daemon.status()).condition, "passive");
    const { pid } = daemon.child;
    assert.ok(pid !== undefined);
    const begun = new ForkWatch(pid, join(folder, "forks"));
    watch = begun;
    assert.ok(await until(() => begun.attached(pid), PATIENCE_MS));
    await pause(200);
    return begun;
  }

  /** The peer takes what it is offered. */
  function peerFollows(): void {
    let followed = false;
    peer.onHeard = (advert) => {
      if (followed || !advert.yielding || advert.leaseMs > 0) return;
      followed = true;
      peer.saying = claims(advert.highestEpoch + 1);
      peer.say();
    };
  }

  test("a take over, a hand over, a stand down and a minute of holding fork nothing in the daemon", async () => {
    const { forks: none } = await startPassive();
    assert.deepEqual(none, []);
    const seen: Record<string, number> = {};
    const step = async (what: string, holds: boolean) => {
      assert.ok(
        await until(() => holdsAddress() === holds, PATIENCE_MS),
        `${what}: ${daemon.output}`,
      );
      await pause(2500);
      seen[what] = watch?.forks.length ?? Number.NaN;
    };
    peer.silent = true;
    await step("take over from silence", true);
    peer.saying = { ready: true };
    peer.silent = false;
    await pause(STEADY_MS);
    await step("a minute of holding", true);
    peerFollows();
    await daemon.ask("POST /make-active", { designation: "secondary" }, PATIENCE_MS);
    await step("hand over", false);
    peer.silent = true;
    await step("take over again", true);
    peer.silent = false;
    peer.saying = claims(1000);
    await step("stand down before a higher claim", false);
    console.log(`new processes of the daemon: ${JSON.stringify(seen)}`);
    console.log(watch?.forks.join("\n"));
    assert.deepEqual([...new Set(Object.values(seen))], [0]);
  });

  const childrenOf = (pid: string): string[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  const below = (pid: string): string[] =>
    childrenOf(pid).flatMap((child) => [child, ...below(child)]);
  const nameOf = (pid: string) => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  const nfts = () => below(`${daemon.child.pid}`).filter((pid) => nameOf(pid) === "nft");

  test("nft that hangs is replaced without a fork of the daemon, and the lease goes on", async () => {
    await startPassive();
    peer.silent = true;
    assert.ok(await until(() => holdsAddress(), PATIENCE_MS), daemon.output);
    peer.saying = { ready: true };
    peer.silent = false;
    await pause(2500);
    const { epoch } = await daemon.status();
    const rounds: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      const hung = nfts();
      assert.equal(hung.length, 2, "one to ask and one to take its place");
      for (const pid of hung) process.kill(Number(pid), "SIGSTOP");
      await pause(2000);
      const now = nfts();
      rounds.push(`${hung.join(" and ")} → ${now.join(" and ")}`);
      // One that nobody asks may hang unnoticed; here it must not outlive the daemon.
      for (const pid of now) process.kill(Number(pid), "SIGCONT");
      assert.equal(now.length, 2, daemon.output);
      assert.ok(now.filter((pid) => hung.includes(pid)).length < 2, rounds.join("; "));
    }
    const after = await daemon.status();
    console.log(`nft hung: ${rounds.join("; ")}`);
    console.log(`epoch ${epoch}, ${after.epoch} afterwards; forks ${watch?.forks.length}`);
    assert.deepEqual([after.condition, after.epoch], ["active", epoch]);
    assert.deepEqual(watch?.forks, []);
  });

  test("everything that it keeps has its own scheduling", async () => {
    await startPassive();
    const policyOf = (pid: string): string => {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[SCHEDULING_FIELD] ?? "";
    };
    const own = `${daemon.child.pid}`;
    const kept = below(own);
    console.log(`policy ${policyOf(own)}; ${kept.map((pid) => `${nameOf(pid)} ${policyOf(pid)}`)}`);
    assert.ok(kept.length > 3, "shells, nft and ip");
    for (const pid of kept) assert.equal(policyOf(pid), policyOf(own), nameOf(pid));
  });
});
