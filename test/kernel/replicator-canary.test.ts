// replicator-canary.test.ts — no local field ever leaves: each carries a random canary, and every byte the peer got is searched.
import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { applianceSchema, type Designation, listFields } from "@lbpair/common";
import { hashOf, readServiceFiles } from "@lbpair/replicator";
import {
  type Appliance,
  type ApplianceOptions,
  makePair,
  saveCandidate,
  services,
  unsupported,
  until,
} from "./replicator-pair.js";

const skip = unsupported();
if (skip !== undefined) console.log(`SKIPPED replicator-canary: ${skip}`);

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
checks: { user: ${checks} }
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
  const text = services(100).replaceAll("VNA", label);
  saveCandidate(primary, text);
  await primary.control("POST /plan");
  await primary.control("POST /apply", { reason: "the first" });
  await until("in sync", primary.status, (status) => status.peer.state === "in-sync");
  for (const appliance of [primary, secondary]) {
    const order = { service: label, server: "PrimaryCluster" };
    await appliance.control("POST /mode", { ...order, mode: "halt" });
    await appliance.control("POST /mode", { ...order, mode: "online" });
    await appliance.control("GET /peer/status");
    await appliance.control("GET /peer/events?after=0");
    await appliance.control("POST /sync", { dryRun: true });
  }
  saveCandidate(secondary, services(5).replaceAll("VNA", label));
  await primary.control("POST /sync", { dryRun: false });
  saveCandidate(primary, services(7, "192.168.177.1").replaceAll("VNA", label));
  await assert.rejects(primary.control("POST /apply", {}));
  secondary.refuseReload = "not now";
  saveCandidate(primary, services(8).replaceAll("VNA", label));
  await assert.rejects(primary.control("POST /apply", {}));
}

describe("replication", skip === undefined ? {} : { skip }, () => {
  test("never sends a local field: not one canary is among the bytes the peer received", async () => {
    const folder = mkdtempSync("/run/rep-canary-");
    // The peer's account writes the record.
    chmodSync(folder, 0o755);
    const net = `10.${octet()}.${octet()}`;
    const listen = {
      a: { address: `${net}.${randomInt(10, 120)}`, port: randomInt(20_000, 60_000) },
      b: { address: `${net}.${randomInt(130, 250)}`, port: randomInt(20_000, 60_000) },
    };
    const users = { a: word("ua"), b: word("ub") };
    const a = makeCanaries(
      "primary",
      "a",
      { listen: listen.b, user: users.b },
      { listen: listen.a },
    );
    const b = makeCanaries(
      "secondary",
      "b",
      { listen: listen.a, user: users.a },
      { listen: listen.b },
    );
    const optionsOf = (own: Canaries, record: string): ApplianceOptions => ({
      appliance: own.yaml,
      listen: own.listen,
      hostname: own.hostname,
      record: `${folder}/${record}`,
      names: { user: own.user },
      env: { LBPAIR_CANARY: own.secret },
    });
    const pair = await makePair({ a: optionsOf(a, "a"), b: optionsOf(b, "b") });
    try {
      const words = new Map<string, readonly string[]>();
      for (const [who, one] of [
        ["a", a],
        ["b", b],
      ] as const) {
        for (const [what, texts] of one.words) words.set(`${who}: ${what}`, texts);
        const { paths } = who === "a" ? pair.primary : pair.secondary;
        for (const file of [
          paths.heartbeatKeyFile,
          paths.replicationKeyFile,
          paths.peerHostKeyFile,
        ]) {
          const lines = readFileSync(file, "utf8")
            .split("\n")
            .filter((line) => line.length >= 16);
          words.set(
            `${who}: ${file}`,
            lines.map((line) => line.split(" ").at(-1) ?? line),
          );
        }
        for (const extra of [paths.etc, paths.state, paths.run])
          words.set(`${who}: ${extra}`, [extra]);
        for (const { path } of listFields(applianceSchema)) {
          const inner = listFields(applianceSchema).some(
            (row) => row.path.startsWith(`${path}.`) || row.path.startsWith(`${path}[`),
          );
          assert.ok(
            inner || one.words.has(path) || NO_CANARY.includes(path),
            `${path} of appliance.yaml has no canary in this test`,
          );
        }
      }
      const label = word("Replicated");
      await talk(pair.primary, pair.secondary, label);
      const got = { a: readFileSync(`${folder}/a`), b: readFileSync(`${folder}/b`) };
      console.log(
        `received by the secondary: ${got.b.length} bytes, by the primary: ${got.a.length} bytes`,
      );
      assert.ok(got.b.includes(label), "the recorder sees what is replicated");
      for (const verb of ["hello", "plan", "stage", "commit", "modes", "status", "events"]) {
        assert.ok(got.b.includes(`${verb}\n`), `${verb} was said to the secondary`);
      }
      assert.ok(got.a.includes("mode-request\n"));
      let searched = 0;
      for (const [what, texts] of words) {
        for (const text of texts) {
          searched += 1;
          for (const [who, bytes] of Object.entries(got)) {
            assert.equal(bytes.includes(text), false, `${what} (${text}) was sent to ${who}`);
          }
        }
      }
      console.log(`${searched} canaries, none found`);
      const unchanged = [pair.primary, pair.secondary].map((one) =>
        readFileSync(one.paths.applianceFile, "utf8"),
      );
      assert.deepEqual(unchanged, [a.yaml, b.yaml], "replication writes no local file");
      const inForce = await readServiceFiles(pair.secondary.paths.running);
      assert.ok(
        inForce.ok && hashOf(inForce.value) === (await pair.secondary.status()).revision?.hash,
      );
    } catch (error) {
      writeFileSync(2, `${pair.primary.log()}${pair.secondary.log()}`.slice(-6000));
      throw error;
    } finally {
      await pair.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
