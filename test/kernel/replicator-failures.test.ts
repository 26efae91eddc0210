// replicator-failures.test.ts — a peer that refuses, is full, dies mid-push or is away keeps its old configuration whole.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { afterEach, describe, test } from "node:test";
import type { ApplyAnswer, ModeAnswer } from "@lbpair/common";
import { makeKeyPair } from "@lbpair/replicator";
import {
  type Appliance,
  type ApplianceOptions,
  makePair,
  type Pair,
  pause,
  saveCandidate,
  services,
  sshdsOf,
  unsupported,
  until,
} from "./replicator-pair.js";

const skip = unsupported();
if (skip !== undefined) console.log(`SKIPPED replicator-failures: ${skip}`);

const running = (appliance: Appliance): string =>
  readFileSync(appliance.paths.runningServicesFile, "utf8");
const stateIs = (appliance: Appliance, state: string, msMax?: number) =>
  until(
    `${appliance.designation} is ${state}`,
    appliance.status,
    (one) => one.peer.state === state,
    msMax,
  );

describe("a peer that cannot take a revision", skip === undefined ? {} : { skip }, () => {
  let pair: Pair | undefined;
  afterEach(async () => {
    await pair?.close();
    pair = undefined;
  });

  /** A pair with revision 1 in force on both. */
  const begin = async (
    options: { a?: ApplianceOptions; b?: ApplianceOptions } = {},
  ): Promise<Pair> => {
    pair = await makePair(options);
    const { primary } = pair;
    saveCandidate(primary, services(100));
    await until(
      "apply",
      () => primary.control("POST /apply", {}) as Promise<ApplyAnswer>,
      () => true,
    );
    await stateIs(primary, "in-sync");
    return pair;
  };
  const apply = (appliance: Appliance) =>
    appliance.control("POST /apply", {}) as Promise<ApplyAnswer>;

  test("wrong host key: nothing is sent, and the state says which key is meant", async () => {
    const { primary, secondary } = await begin();
    const other = makeKeyPair("an impostor").publicKey;
    writeFileSync(primary.paths.peerHostKeyFile, other);
    await primary.stopDaemon();
    await primary.startDaemon();
    const { peer } = await stateIs(primary, "unreachable");
    console.log(peer.reason);
    assert.match(peer.reason, /another host key than the pinned one/);
    saveCandidate(primary, services(90));
    const answer = await apply(primary);
    assert.equal(answer.peer.state, "unreachable");
    assert.equal(running(primary), services(90));
    assert.equal(running(secondary), services(100));
    assert.doesNotMatch(secondary.log(), new RegExp(`Accepted.*\n.*${other.slice(20, 60)}`));
  });

  test("a key the peer does not know is an authentication failure, said so", async () => {
    const { primary } = await begin();
    writeFileSync(primary.paths.replicationKeyFile, makeKeyPair("a stranger").privateKey);
    await primary.stopDaemon();
    await primary.startDaemon();
    const { peer } = await stateIs(primary, "unreachable");
    console.log(peer.reason);
    assert.match(peer.reason, /does not accept secrets\/replication.key/);
  });

  test("SSH refused: in force here, waiting there, retried until the peer is back", async () => {
    const { primary, secondary } = await begin();
    secondary.stopSshd();
    saveCandidate(primary, services(80));
    const started = performance.now();
    const answer = await apply(primary);
    console.log(
      `apply with SSH refused: ${Math.round(performance.now() - started)} ms, ${answer.peer.reason}`,
    );
    assert.equal(answer.peer.state, "unreachable");
    assert.match(answer.peer.reason, /connection refused.*revision 2 waits for it/);
    assert.equal(running(primary), services(80));
    assert.equal(running(secondary), services(100));
    await until("a second failure", primary.status, (status) => status.peer.failures >= 2);
    await secondary.startSshd();
    const back = performance.now();
    await stateIs(primary, "in-sync");
    console.log(`in sync ${Math.round(performance.now() - back)} ms after sshd was back`);
    assert.equal(running(secondary), services(80));
  });

  test("a peer whose cable is out is unreachable within the time an admin waits", async () => {
    const { primary, secondary } = await begin();
    for (const link of ["eth0", "eth1"]) secondary.exec(["ip", "link", "set", link, "down"]);
    saveCandidate(primary, services(70));
    const started = performance.now();
    const answer = await apply(primary);
    const took = performance.now() - started;
    console.log(`apply with the cable out: ${Math.round(took)} ms, ${answer.peer.reason}`);
    assert.equal(answer.peer.state, "unreachable");
    assert.equal(running(primary), services(70));
    assert.ok(took < 5000);
    for (const link of ["eth0", "eth1"]) secondary.exec(["ip", "link", "set", link, "up"]);
    await stateIs(primary, "in-sync", 20_000);
    assert.equal(running(secondary), services(70));
  });

  test("disk full on the peer: nothing changes on either node, and nothing is left behind", async () => {
    const { primary, secondary } = await begin({ b: { stateSize: "300k" } });
    saveCandidate(primary, services(60), `#!/bin/sh\n# ${"x".repeat(600_000)}\nexit 0\n`);
    await assert.rejects(apply(primary), (error: Error) => {
      console.log(error.message);
      return /nothing was changed on either node: no room for revision 2 \(ENOSPC\)/.test(
        error.message,
      );
    });
    assert.equal(running(primary), services(100));
    assert.equal(running(secondary), services(100));
    assert.equal(existsSync(secondary.paths.staging), false);
    saveCandidate(primary, services(60));
    assert.equal((await apply(primary)).peer.state, "in-sync");
    assert.equal(running(secondary), services(60));
  });

  test("sshd dying mid-push leaves the old configuration whole, visible, and mended afterwards", async () => {
    const { primary, secondary } = await begin();
    const before = readlinkSync(secondary.paths.running);
    // Slow enough that the kill falls into the transfer of a megabyte.
    primary.exec("tc qdisc add dev eth0 root tbf rate 2mbit burst 32k latency 2s".split(" "));
    saveCandidate(primary, services(50), `#!/bin/sh\n# ${"x".repeat(1_000_000)}\nexit 0\n`);
    const applying = apply(primary);
    await pause(1500);
    const [listener, ...sessions] = sshdsOf(secondary);
    assert.ok(sessions.length > 0, "a session is open");
    killAll([...sessions, listener ?? 0]);
    const answer = await applying;
    console.log(answer.peer);
    assert.notEqual(answer.peer.state, "in-sync");
    assert.equal(readlinkSync(secondary.paths.running), before);
    assert.equal(running(secondary), services(100));
    const events = (await secondary.control("GET /events")) as { text: string }[];
    assert.ok(events.some((event) => /broke off before it was whole/.test(event.text)));
    primary.exec("tc qdisc del dev eth0 root".split(" "));
    await secondary.startSshd();
    await stateIs(primary, "in-sync", 15_000);
    assert.equal(running(secondary), services(50));
  });

  test("the peer's replicator killed at any moment of a push: old or new in force, never a mixture", async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    console.log(`seed ${seed}`);
    let random = seed;
    const next = () => {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      return random / 2_147_483_648;
    };
    const { primary, secondary } = await begin();
    // How long an undisturbed push takes now decides where the kills fall: half before its end or so.
    saveCandidate(primary, services(9));
    const began = performance.now();
    await apply(primary);
    const undisturbed = performance.now() - began;
    let old = 0;
    for (let round = 0; round < 8; round += 1) {
      const weight = 10 + round;
      const script = `#!/bin/sh\n# ${weight}\nexit 0\n`;
      const was = running(secondary);
      saveCandidate(primary, services(weight), script);
      const applying = apply(primary);
      const pids = pidsOf(secondary.paths.run);
      const delay = next() * 1.5 * undisturbed;
      await pause(delay);
      killAll(pids);
      await applying;
      const now = running(secondary);
      assert.ok(now === was || now === services(weight));
      const folder = readlinkSync(secondary.paths.running);
      const check = readFileSync(`${secondary.paths.runningHealthChecks}/IBM-WHI`, "utf8");
      assert.equal(check === script, now === services(weight), `${folder} is of one piece`);
      if (now === was) old += 1;
      console.log(`killed after ${Math.round(delay)} ms: ${now === was ? "old" : "new"} in force`);
      await secondary.startDaemon();
      await stateIs(primary, "in-sync", 15_000);
      assert.equal(running(secondary), services(weight));
      assert.deepEqual(readdirSync(secondary.paths.state).includes("staging"), false);
    }
    console.log(`${old} of 8 kills left the old revision, ${8 - old} the new one`);
  });

  test("modes set on both nodes while apart: the newer list wins, the loser is kept beside", async () => {
    const { primary, secondary } = await begin();
    primary.stopSshd();
    secondary.stopSshd();
    const order = (appliance: Appliance, mode: string) =>
      appliance.control("POST /mode", {
        service: "VNA",
        server: "PrimaryCluster",
        mode,
      }) as Promise<ModeAnswer>;
    const there = await order(secondary, "halt");
    assert.equal(there.peer.state, "unreachable");
    assert.match(readFileSync(secondary.paths.modesFile, "utf8"), /mode: halt/);
    await order(secondary, "online");
    await order(secondary, "halt");
    await order(primary, "drain");
    await primary.startSshd();
    await secondary.startSshd();
    const files = () =>
      [primary, secondary].map((one) => readFileSync(one.paths.modesFile, "utf8"));
    await until("modes agree", files, ([a, b]) => a === b, 15_000);
    assert.match(files()[0] ?? "", /mode: halt/);
    const kept = readdirSync(primary.paths.etc).filter((name) =>
      name.startsWith("modes.yaml.kept-"),
    );
    console.log(kept, (await primary.status()).peer.reason);
    assert.equal(kept.length, 1);
    assert.match(readFileSync(`${primary.paths.etc}/${kept[0]}`, "utf8"), /mode: drain/);
  });

  test("drift is repaired by the reconcile schedule", async () => {
    const more = "replication: { reconcile: '*/2 * * * * *' }\n";
    const { secondary } = await begin({ a: { more } });
    saveCandidate(secondary, services(3));
    await until(
      "repaired",
      () => readFileSync(secondary.paths.servicesFile, "utf8"),
      (text) => text === services(100),
    );
  });

  test("the forced command gives no shell, no file transfer, no terminal and no forwarding", async () => {
    const { primary, secondary } = await begin();
    const config = `${pair?.base}/known_hosts`;
    const hostKey = readFileSync(primary.paths.peerHostKeyFile, "utf8").trim();
    writeFileSync(config, `${secondary.address} ${hostKey}\n`);
    const login = ["-i", primary.paths.replicationKeyFile, "-o", `UserKnownHostsFile=${config}`];
    login.push("-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-F", "none");
    const at = `lbpair-sync@${secondary.address}`;
    const tries: Record<string, string[]> = {
      shell: ["ssh", ...login, at],
      terminal: ["ssh", "-tt", ...login, at],
      command: ["ssh", ...login, at, "id"],
      "two words": ["ssh", ...login, at, "hello; id"],
      "a word of no verb": ["ssh", ...login, at, "reboot"],
      sftp: ["sftp", ...login, at],
      scp: ["scp", ...login, "/etc/hostname", `${at}:/tmp/x`],
      "remote forwarding": ["ssh", ...login, "-N", "-R", "18022:127.0.0.1:22", at],
      "forwarding to a socket": ["ssh", ...login, "-W", `${secondary.address}:22`, at],
    };
    for (const [what, argv] of Object.entries(tries)) {
      const said = refusedWith(primary, argv);
      console.log(`${what}: exit ${said.code}, ${said.output.trim().split("\n").at(-1)}`);
      assert.notEqual(said.code, 0, what);
      assert.doesNotMatch(said.output, /uid=|sftp> |SSH-2.0/);
    }
  });
});

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      if (pid > 0) process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself, as a session does whose listener has gone.
    }
  }
}

/** The replicator's own processes on one appliance, by the folder on their command line. */
function pidsOf(runFolder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return line.includes(runFolder) && line.includes("--state");
      } catch {
        return false;
      }
    });
}

function refusedWith(
  appliance: Appliance,
  argv: readonly string[],
): { code: number; output: string } {
  try {
    const output = execFileSync("ip", ["netns", "exec", appliance.namespace, ...argv], {
      encoding: "utf8",
      input: "id\n",
      timeout: 10_000,
      stdio: ["pipe", "pipe", "pipe"],
    });
    return { code: 0, output };
  } catch (error) {
    const { status, stdout, stderr } = error as {
      status: number | null;
      stdout: string;
      stderr: string;
    };
    return { code: status ?? -1, output: `${stdout}${stderr}` };
  }
}
