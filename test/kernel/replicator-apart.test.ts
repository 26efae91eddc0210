// replicator-apart.test.ts — what two nodes do to each other's work after they were apart, and what a stranger with the key cannot do.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { ModeAnswer } from "@lbpair/common";
import type { Appliance } from "./replicator-appliance.js";
import { pairOfEachTest } from "./replicator-pair.js";
import { orSkip, services, until } from "./replicator-tools.js";

const modesOf = (appliance: Appliance): string => readFileSync(appliance.paths.modesFile, "utf8");

const setMode = (appliance: Appliance, mode: string): Promise<ModeAnswer> =>
  appliance.control("POST /mode", {
    service: "VNA",
    server: "PrimaryCluster",
    mode,
  }) as Promise<ModeAnswer>;

/** Runs a command that has to fail there; its exit code and everything it said. */
function refusedWith(
  appliance: Appliance,
  argv: readonly string[],
): { readonly code: number; readonly output: string } {
  try {
    const output = execFileSync("ip", ["netns", "exec", appliance.namespace, ...argv], {
      encoding: "utf8",
      input: "id\n",
      timeout: 15_000,
      stdio: ["pipe", "pipe", "pipe"],
    });
    return { code: 0, output };
  } catch (error) {
    const failed = error as { status: number | null; stdout: string; stderr: string };
    return { code: failed.status ?? -1, output: `${failed.stdout}${failed.stderr}` };
  }
}

describe("two nodes that were apart", orSkip("replicator-apart"), () => {
  const begin = pairOfEachTest();

  test("modes set on both nodes while apart: the newer list wins, the loser is kept beside", async () => {
    const { primary, secondary } = await begin();
    primary.stopSshd();
    secondary.stopSshd();
    const there = await setMode(secondary, "halt");
    assert.equal(there.peer.state, "unreachable");
    assert.match(modesOf(secondary), /mode: halt/);
    await setMode(secondary, "online");
    await setMode(secondary, "halt");
    await setMode(primary, "drain");
    await primary.startSshd();
    await secondary.startSshd();
    await until(
      "modes agree",
      () => [primary, secondary].map(modesOf),
      ([a, b]) => a === b,
    );
    assert.match(modesOf(primary), /mode: halt/);
    const names = readdirSync(primary.paths.etc);
    const kept = names.filter((name) => name.startsWith("modes.yaml.kept-"));
    console.log(kept);
    assert.equal(kept.length, 1);
    assert.match(readFileSync(`${primary.paths.etc}/${kept[0]}`, "utf8"), /mode: drain/);
  });

  test("drift is repaired by the reconcile schedule", async () => {
    const more = "replication: { reconcile: '*/2 * * * * *' }\n";
    const { secondary } = await begin({ a: { more } });
    secondary.save(services(3));
    await until(
      "repaired",
      () => readFileSync(secondary.paths.servicesFile, "utf8"),
      (text) => text === services(100),
    );
  });

  test("a primary that lost its state overwrites nothing unasked, and leads again by apply", async () => {
    const { primary, secondary } = await begin();
    await primary.stopDaemon();
    execFileSync("rm", ["-r", primary.paths.state]);
    await primary.startDaemon();
    const { peer } = await primary.reaches("drifted");
    console.log(peer.reason);
    assert.equal(secondary.inForce(), services(100));
    primary.save(services(42));
    const answer = (await primary.control("POST /apply", {})) as {
      revision: { serial: number };
      peer: { state: string };
    };
    assert.equal(answer.revision.serial, 2);
    assert.equal(answer.peer.state, "in-sync");
    assert.equal(secondary.inForce(), services(42));
  });

  test("the forced command gives no shell, no file transfer, no terminal and no forwarding", async () => {
    const { base, primary, secondary } = await begin();
    const hosts = `${base}/known_hosts`;
    const hostKey = readFileSync(primary.paths.peerHostKeyFile, "utf8").trim();
    writeFileSync(hosts, `${secondary.address} ${hostKey}\n`);
    const login = ["-i", primary.paths.replicationKeyFile, "-o", `UserKnownHostsFile=${hosts}`];
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
      "local forwarding": ["ssh", ...login, "-W", `${secondary.address}:22`, at],
    };
    for (const [what, argv] of Object.entries(tries)) {
      const said = refusedWith(primary, argv);
      console.log(`${what}: exit ${said.code}, ${said.output.trim().split("\n").at(-1)}`);
      assert.notEqual(said.code, 0, what);
      assert.doesNotMatch(said.output, /uid=|sftp> |SSH-2.0/);
    }
  });
});
