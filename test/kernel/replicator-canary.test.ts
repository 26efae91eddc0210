// replicator-canary.test.ts — no local field ever leaves: each carries a random canary, and every byte the peer got is searched.
import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { describe, test } from "node:test";
import { applianceSchema, type Designation, listFields } from "@lbpair/common";
import type { Appliance, ApplianceOptions } from "./replicator-appliance.js";
import { makePair } from "./replicator-pair.js";
import { orSkip, services } from "./replicator-tools.js";

interface Canaries {
  readonly yaml: string;
  /** Dotted path of appliance.yaml, or what else it stands for → what must never be seen. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  readonly listen: { readonly address: string; readonly port: number };
  readonly user: string;
  readonly hostname: string;
  readonly secret: string;
}

/** Words of a few only, which cannot be told from others: nothing to search for. */
const NO_CANARY = ["node.designation", "logging.level"];

const word = (what: string): string => `${what}${randomBytes(5).toString("hex")}`;
const octet = (): number => randomInt(20, 250);

/** One node's local fields. The two share a network of random number, or they could not talk. */
function makeCanaries(
  designation: Designation,
  own: string,
  peer: { readonly listen: Canaries["listen"]; readonly user: string },
  mine: { readonly listen: Canaries["listen"] },
): Canaries {
  const [name, peerName, checks, secret, hostname] = [
    "node",
    "peer",
    "checks",
    "secret",
    "host",
  ].map((what) => word(`${own}${what}`)) as [string, string, string, string, string];
  const paths = {
    local: `10.${octet()}.${octet()}.${octet()}`,
    peer: `10.${octet()}.${octet()}.${octet()}`,
  };
  const size = randomInt(1_000_000, 9_999_999);
  const mask = randomInt(0x100000, 0xffffff);
  const reconcile = `${randomInt(0, 59)} ${randomInt(0, 23)} ${randomInt(1, 28)} ${randomInt(1, 12)} *`;
  const yaml = `# a comment with ${secret}
node: { name: ${name}, designation: ${designation} }
peer:
  name: ${peerName}
  paths: [ { local: ${paths.local}, peer: ${paths.peer} } ]
  ssh: { address: ${peer.listen.address}, port: ${peer.listen.port}, user: ${peer.user} }
checks: { user: ${checks}, sources: [ ${mine.listen.address} ] }
kernel: { connectionTableSize: ${size}, markMask: ${mask} }
logging: { level: info }
replication: { reconcile: "${reconcile}" }
`;
  const words = new Map<string, readonly string[]>([
    ["node.name", [name]],
    ["peer.name", [peerName]],
    ["peer.paths[].local", [paths.local]],
    ["peer.paths[].peer", [paths.peer]],
    ["peer.ssh.address", [peer.listen.address]],
    ["peer.ssh.port", [`${peer.listen.port}`]],
    ["peer.ssh.user", [peer.user]],
    ["checks.user", [checks]],
    ["checks.sources", [mine.listen.address]],
    ["kernel.connectionTableSize", [`${size}`]],
    ["kernel.markMask", [`${mask}`, mask.toString(16)]],
    ["replication.reconcile", [reconcile]],
    ["a comment of appliance.yaml, the environment", [secret]],
    ["the host name", [hostname]],
    ["own listen address", [mine.listen.address]],
  ]);
  return { yaml, words, listen: mine.listen, user: peer.user, hostname, secret };
}

/** Everything two replicators ever say to each other. */
async function talk(primary: Appliance, secondary: Appliance, label: string): Promise<void> {
  const text = services(100, undefined, label);
  primary.save(text);
  await primary.control("POST /plan");
  await primary.control("POST /apply", { reason: "the first" });
  await primary.reaches("in-sync");
  for (const appliance of [primary, secondary]) {
    const order = { service: label, server: "PrimaryCluster" };
    await appliance.control("POST /mode", { ...order, mode: "halt" });
    await appliance.control("POST /mode", { ...order, mode: "online" });
    await appliance.control("GET /peer/status");
    await appliance.control("GET /peer/events?after=0");
    await appliance.control("POST /sync", { dryRun: true });
  }
  secondary.save(services(5, undefined, label));
  await primary.control("POST /sync", { dryRun: false });
  primary.save(services(7, "192.168.177.1", label));
  await assert.rejects(primary.control("POST /apply", {}));
  secondary.refuseReload = "not now";
  primary.save(services(8, undefined, label));
  await assert.rejects(primary.control("POST /apply", {}));
}

/** Every field has a canary, or a reason to have none: a new field without one fails here. */
function mustCoverSchema(words: Canaries["words"]): void {
  const rows = listFields(applianceSchema).map((row) => row.path);
  for (const path of rows) {
    const inner = rows.some((row) => row.startsWith(`${path}.`) || row.startsWith(`${path}[`));
    const covered = inner || words.has(path) || NO_CANARY.includes(path);
    assert.ok(covered, `${path} of appliance.yaml has no canary in this test`);
  }
}

/** All that must never be seen of a node: its fields' canaries, its secrets, its folders. */
function wordsOf(own: Canaries, { paths, designation }: Appliance): Map<string, readonly string[]> {
  const words = new Map<string, readonly string[]>();
  for (const [what, texts] of own.words) words.set(`${designation}: ${what}`, texts);
  for (const file of [paths.heartbeatKeyFile, paths.replicationKeyFile, paths.peerHostKeyFile]) {
    const lines = readFileSync(file, "utf8").split("\n");
    const long = lines.map((line) => line.split(" ").at(-1) ?? "").filter((one) => one.length > 15);
    words.set(file, long);
  }
  for (const folder of [paths.etc, paths.state, paths.run]) words.set(folder, [folder]);
  return words;
}

/** Returns how many words were searched in how many bytes. */
function mustNotHave(words: Map<string, readonly string[]>, got: readonly Buffer[]): number {
  let searched = 0;
  for (const [what, texts] of words) {
    for (const text of texts) {
      searched += 1;
      for (const bytes of got)
        assert.equal(bytes.includes(text), false, `${what}: ${text} was sent`);
    }
  }
  return searched;
}

function makeBoth(): readonly [Canaries, Canaries] {
  const net = `10.${octet()}.${octet()}`;
  const listenAt = (least: number) => ({
    address: `${net}.${randomInt(least, least + 110)}`,
    port: randomInt(20_000, 60_000),
  });
  const [a, b] = [{ listen: listenAt(10) }, { listen: listenAt(130) }];
  return [
    makeCanaries("primary", "a", { ...b, user: word("ub") }, a),
    makeCanaries("secondary", "b", { ...a, user: word("ua") }, b),
  ];
}

describe("replication", orSkip("replicator-canary"), () => {
  test("never sends a local field: not one canary is among the bytes the peer received", async () => {
    const folder = mkdtempSync("/run/rep-canary-");
    // The peer's account writes the record.
    chmodSync(folder, 0o755);
    const [a, b] = makeBoth();
    const optionsOf = (own: Canaries, record: string): ApplianceOptions => ({
      appliance: own.yaml,
      listen: own.listen,
      hostname: own.hostname,
      record: `${folder}/${record}`,
      user: own.user,
      env: { LBPAIR_CANARY: own.secret },
    });
    const pair = await makePair({ a: optionsOf(a, "a"), b: optionsOf(b, "b") });
    try {
      const { primary, secondary } = pair;
      mustCoverSchema(a.words);
      const label = word("Replicated");
      await talk(primary, secondary, label);
      const [atA, atB] = [readFileSync(`${folder}/a`), readFileSync(`${folder}/b`)];
      console.log(`the secondary received ${atB.length} bytes, the primary ${atA.length}`);
      assert.ok(atB.includes(label), "the recorder sees what is replicated");
      for (const verb of ["hello", "plan", "stage", "commit", "modes", "status", "events"]) {
        assert.ok(atB.includes(`${verb}\n`), `${verb} was said to the secondary`);
      }
      assert.ok(atA.includes("mode-request\n"));
      const words = new Map([...wordsOf(a, primary), ...wordsOf(b, secondary)]);
      console.log(`${mustNotHave(words, [atA, atB])} canaries, none found`);
      const files = [primary, secondary].map((one) =>
        readFileSync(one.paths.applianceFile, "utf8"),
      );
      assert.deepEqual(files, [a.yaml, b.yaml], "replication writes no local file");
    } catch (error) {
      process.stderr.write(`${pair.primary.log}${pair.secondary.log}`.slice(-6000));
      throw error;
    } finally {
      await pair.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
