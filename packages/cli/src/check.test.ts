// check.test.ts — `lbpair check` as a real process on files good and bad.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import {
  appliancePaths,
  type Problem,
  parseServices,
  type Run,
  type RunResult,
} from "@lbpair/common";
import { checkCandidate } from "./check-candidate.js";
import { UNICODE_GLYPHS } from "./render/glyphs.js";
import { plainText } from "./render/text.js";
import {
  createTestAppliance,
  REFERENCE_APPLIANCE,
  REFERENCE_SERVICES,
  type TestAppliance,
} from "./test-appliance.js";
import { checkLines } from "./view/check-lines.js";
import { assertGolden } from "./view/golden.js";

const SCRIPT = "etc/health-checks/IBM-WHI-iConnect-Enterprise-Archive";

let appliance: TestAppliance;
beforeEach(async () => {
  appliance = await createTestAppliance();
});
afterEach(() => appliance.close());

const answer = (argv: readonly string[], stdout: string, code = 0): RunResult =>
  ({
    argv,
    code,
    signal: null,
    stdout,
    stderr: "",
    timedOut: false,
    truncated: false,
    tookMs: 1,
  }) as RunResult;

const address = (ifname: string, local: string, prefixlen: number, dynamic?: boolean) => ({
  ifname,
  addr_info: [{ local, prefixlen, ...(dynamic === true ? { dynamic } : {}) }],
});

const NODE = [address("eth0", "192.168.100.1", 24), address("eth1", "192.168.200.1", 24)];

/** `ip` and `nft` as they would answer on a node. */
const fakeRun =
  (links: readonly unknown[], ruleset: unknown = { nftables: [] }): Run =>
  async (argv) =>
    answer(argv, JSON.stringify(argv[0] === "ip" ? links : ruleset));

const check = (run: Run, file?: string) =>
  checkCandidate(
    appliancePaths({
      etc: appliance.etc,
      state: `${appliance.folder}/state`,
      run: `${appliance.folder}/run`,
    }),
    run,
    file,
  );

async function writeReference(services = REFERENCE_SERVICES): Promise<void> {
  await appliance.write("etc/services.yaml", services);
  await appliance.write("etc/appliance.yaml", REFERENCE_APPLIANCE);
  await appliance.write(SCRIPT, "#!/bin/sh\nexit 0\n", 0o755);
  await appliance.write("etc/secrets/heartbeat.key", "ab".repeat(32), 0o600);
  await appliance.write(
    "etc/secrets/replication.key",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n",
    0o600,
  );
  await appliance.write("etc/secrets/peer-host-key", "ssh-ed25519 AAAAC3Nza\n", 0o600);
}

const codes = (problems: readonly Problem[]): string[] =>
  problems.map((problem) => `${problem.code} ${problem.path}`.trim());

test("the reference deployment is good, covered without table sync, and its times are told", async () => {
  await writeReference();
  const report = await check(fakeRun(NODE));
  assert.deepEqual(report.problems, []);
  assert.deepEqual(
    report.coverage.map((one) => one.byRule),
    [true],
  );
  const text = plainText(checkLines(report, { glyphs: UNICODE_GLYPHS, columns: 100 }, 0));
  assertGolden("check/reference.txt", text.replaceAll(appliance.folder, ""));
});

test("ten planted mistakes give ten problems, each with its line", async () => {
  const planted = `heartbeat: { keepalive: 600ms, deadtime: 1s, warntime: 700ms, lease: 900ms }
floatingIps:
  - { label: gateway, address: 192.168.100.254 }
  - { label: gateway, address: 192.168.100.300 }
virtualServices:
  - label: VNA
    address: 192.168.200.100
    ports: [12000, 12001]
    protocol: tcp
    shceduler: weighted-hash
    realServers:
      - { label: A, address: 192.168.100.110, weight: -1 }
      - { label: B, address: 192.168.200.100 }
    check: { type: connect, interval: 5s, timeout: 9s }
  - label: VNB
    address: 192.168.200.100
    ports: [12000]
    realServers: [{ label: A, address: 192.168.100.111, port: 70000 }]
    check: { type: on }
`;
  await appliance.write("etc/services.yaml", planted);
  const { code, stdout } = await appliance.lbpair("check", `${appliance.etc}/services.yaml`);
  const lines = stdout.split("\n").filter((line) => /services\.yaml:\d+: /.test(line));
  // deadtime, lease, duplicate label, address, port, unknown key, weight, VIP as server,
  // timeout, overlap
  assert.equal(lines.length, 10, stdout);
  assert.match(stdout, /did you mean scheduler\?/);
  assert.match(stdout, /services\.yaml:4: floatingIps\[1\]\.label: /);
  assert.match(stdout, /services\.yaml:14: virtualServices\[0\]\.check\.timeout: /);
  assert.equal(code, 1);
});

test("a missing script, one that cannot run, and missing secrets are named", async () => {
  await appliance.write("etc/services.yaml", REFERENCE_SERVICES);
  await appliance.write("etc/appliance.yaml", REFERENCE_APPLIANCE);
  await appliance.write("etc/health-checks/other", "#!/bin/sh\n", 0o644);
  await appliance.write("etc/secrets/heartbeat.key", "secret-canary", 0o644);
  const { problems } = await check(fakeRun(NODE));
  assert.deepEqual(codes(problems).sort(), [
    "script-missing virtualServices[0].check.script",
    "script-not-executable other",
    "secret-missing",
    "secret-missing",
    "secret-missing",
    "secret-missing",
  ]);
  assert.equal(problems.find((one) => one.code === "script-missing")?.line, 11);
  assert(!JSON.stringify(problems).includes("canary"), "secrets are never shown");
});

test("addresses are judged against this node's own networks", async () => {
  await writeReference();
  const cases: readonly [string, readonly unknown[], readonly string[]][] = [
    [
      "no front network",
      [NODE[0]],
      ["no-interface peer.paths[0].local", "no-interface virtualServices[0].address"],
    ],
    [
      "the VIP is the node's own",
      [...NODE, address("eth1", "192.168.200.100", 24)],
      ["address-local virtualServices[0].address"],
    ],
    [
      "DHCP on the front",
      [NODE[0], address("eth1", "192.168.200.1", 24, true)],
      ["contradiction virtualServices[0].address"],
    ],
  ];
  for (const [name, links, want] of cases) {
    const { problems } = await check(fakeRun(links));
    assert.deepEqual(codes(problems), want, name);
  }
});

test("an active node holds its floating IPs without a problem", async () => {
  await writeReference();
  await appliance.write("state/running/services.yaml", REFERENCE_SERVICES);
  const held = [
    ...NODE,
    address("eth1", "192.168.200.100", 32, true),
    address("eth0", "192.168.100.254", 32, true),
  ];
  assert.deepEqual((await check(fakeRun(held))).problems, []);
});

test("a firewall that drops the heartbeat fails the check", async () => {
  await writeReference();
  const ruleset = {
    nftables: [
      {
        chain: {
          family: "inet",
          table: "filter",
          name: "input",
          type: "filter",
          hook: "input",
          prio: 0,
          policy: "drop",
        },
      },
    ],
  };
  const { problems } = await check(fakeRun(NODE, ruleset));
  assert.deepEqual(codes(problems), [
    "foreign-rule nft table inet filter (nftables.service, as Debian ships it)",
  ]);
});

test("nft that may not be asked is a note, not a failure", async () => {
  await writeReference();
  const run: Run = async (argv) =>
    argv[0] === "ip"
      ? answer(argv, JSON.stringify(NODE))
      : answer(argv, "Operation not permitted", 1);
  const report = await check(run);
  assert.deepEqual(report.problems, []);
  assert.match(report.notes.join(), /firewall rules were not looked at: .*not permitted/);
});

test("a file from elsewhere is checked without an appliance", async () => {
  await appliance.write("new/services.yaml", REFERENCE_SERVICES);
  await appliance.write(
    "new/health-checks/IBM-WHI-iConnect-Enterprise-Archive",
    "#!/bin/sh\n",
    0o755,
  );
  const { code, stdout } = await appliance.lbpair("check", `${appliance.folder}/new/services.yaml`);
  assert.match(stdout, /● good/);
  assert.match(stdout, /VNA: covered, because there is one real server/);
  assert.equal(code, 0);
});

test("without files check says which are missing, and exits 1; --json says it to programs", async () => {
  const { code, stdout } = await appliance.lbpair("check", "--json");
  const report = JSON.parse(stdout) as { good: boolean; problems: Problem[] };
  assert.deepEqual(codes(report.problems), ["file-missing", "file-missing"]);
  assert.equal(report.good, false);
  assert.equal(code, 1);
});

test("the sample of the tests is the reference deployment", () => {
  assert(parseServices(REFERENCE_SERVICES).ok);
});
