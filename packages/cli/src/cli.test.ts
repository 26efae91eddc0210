// cli.test.ts — the real lbpair process against fake daemons: exit codes and messages.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { EventRecord } from "@lbpair/common";
import { createTestAppliance, type TestAppliance } from "./test-appliance.js";
import { sampleForwarder, sampleHeartbeat, sampleReplicator } from "./view/sample-statuses.js";

const ESCAPE = "\u001b";

let appliance: TestAppliance;
beforeEach(async () => {
  appliance = await createTestAppliance();
});
afterEach(() => appliance.close());

const peerStatus = {
  heartbeat: sampleHeartbeat({
    node: "lb2",
    designation: "secondary",
    condition: "passive",
    phase: "passive",
  }),
  forwarder: sampleForwarder({ condition: "passive" }),
  replicator: sampleReplicator({ node: "lb2", designation: "secondary" }),
};

async function serveAll(): Promise<void> {
  await appliance.serve("heartbeat", { "GET /status": () => sampleHeartbeat() });
  await appliance.serve("forwarder", { "GET /status": () => sampleForwarder() });
  await appliance.serve("replicator", {
    "GET /status": () => sampleReplicator(),
    "GET /peer/status": () => peerStatus,
  });
}

test("status shows both nodes and exits 0", async () => {
  await serveAll();
  const { code, stdout, stderr } = await appliance.lbpair("status");
  assert.equal(stderr, "");
  assert.match(stdout, /lb1 is active and lb2 is ready to take over/);
  assert.match(stdout, /covered 34 of 34 open connections/);
  assert(!stdout.includes(ESCAPE), "no colour into a pipe");
  assert.equal(code, 0);
});

test("status --json is one document with a verdict and both nodes", async () => {
  await serveAll();
  const { code, stdout } = await appliance.lbpair("status", "--json");
  const status = JSON.parse(stdout) as {
    verdict: { level: string };
    nodes: { name: string; heartbeat: { condition: string } }[];
  };
  assert.equal(status.verdict.level, "good");
  assert.deepEqual(
    status.nodes.map((node) => [node.name, node.heartbeat.condition]),
    [
      ["lb1", "active"],
      ["lb2", "passive"],
    ],
  );
  assert.equal(code, 0);
});

test("status with no daemon at all says for each which socket and what to do, and exits 1", async () => {
  const { code, stdout } = await appliance.lbpair("status");
  for (const daemon of ["heartbeat", "forwarder", "replicator"]) {
    const flat = stdout.replaceAll(/\s+/g, " ");
    assert.match(
      flat,
      new RegExp(`the ${daemon} does not run: nobody answers on [^ ]*run/${daemon}.sock`),
    );
    assert.match(flat, new RegExp(`systemctl start lbpair-${daemon}`));
  }
  assert.equal(code, 1);
});

test("status with a dead forwarder still shows the peer's services, and exits 1", async () => {
  await appliance.serve("heartbeat", { "GET /status": () => sampleHeartbeat() });
  await appliance.serve("replicator", {
    "GET /status": () => sampleReplicator(),
    "GET /peer/status": () => peerStatus,
  });
  const { code, stdout } = await appliance.lbpair("status");
  assert.match(stdout, /The forwarder of lb1 does not answer/);
  assert.match(stdout, /as lb2 sees it/);
  assert.match(stdout, /PrimaryCluster/);
  assert.equal(code, 1);
});

test("colour comes with FORCE_COLOR and never with NO_COLOR", async () => {
  await serveAll();
  const forced = await appliance.lbpairWith({ FORCE_COLOR: "1" }, "status");
  assert(forced.stdout.includes(`${ESCAPE}[32m`));
  const refused = await appliance.lbpairWith({ FORCE_COLOR: "1", NO_COLOR: "1" }, "status");
  assert(!refused.stdout.includes(ESCAPE));
});

test("clear-flaps tells what both nodes forgot, and exits 1 where the peer could not be asked", async () => {
  await appliance.serve("heartbeat", {
    "GET /status": () => sampleHeartbeat(),
    "POST /clear-flaps": () => ({ moves: 3, heldForMs: 1_500_000 }),
  });
  const alone = await appliance.lbpair("clear-flaps");
  console.log(alone.stdout);
  assert.match(alone.stdout, /lb1: 3 moves by health forgotten; .*held back for another 25 min/);
  assert.match(alone.stdout, /lb2: it could not be asked .*run lbpair clear-flaps on lb2 too/);
  assert.equal(alone.code, 1);
  await appliance.serve("replicator", {
    "POST /peer/clear-flaps": () => ({ moves: 1, heldForMs: null }),
  });
  const both = await appliance.lbpair("clear-flaps");
  assert.match(both.stdout, /lb2: 1 move by health forgotten$/m);
  assert.equal(both.code, 0);
});

test("health-check run shows result, ports and the script's words, and exits 1 where a check fails", async () => {
  const ports = [
    { port: 12000, accepts: true, what: null, tookMs: 0.4 },
    { port: 12100, accepts: false, what: "refused", tookMs: 0.2 },
  ];
  const trace = {
    argv: ["/x/y", "12000 12100"],
    environment: { LB_VIP: "1" },
    output: "one\ntwo\n",
  };
  const trial = { id: "VNA/PrimaryCluster", type: "external", reason: "no HL7", tookMs: 12, ports };
  const orders: unknown[] = [];
  let passed = false;
  await appliance.serve("forwarder", {
    "GET /status": () => sampleForwarder(),
    "POST /health-check": ({ body }) => {
      orders.push(body);
      return [{ ...trial, passed, trace }];
    },
  });
  const failing = await appliance.lbpair("health-check", "run", "VNA/PrimaryCluster");
  console.log(failing.stdout);
  assert.match(failing.stdout, /VNA\/PrimaryCluster fails \(external, 12 ms\): no HL7/);
  assert.match(failing.stdout, /12000 accepts, 0\.4 ms/);
  assert.match(failing.stdout, /12100 refused/);
  assert.match(failing.stdout, /argv: \/x\/y '12000 12100'/);
  assert.match(failing.stdout, /LB_VIP=1/);
  assert.match(failing.stdout, /printed:\n {4}one\n {4}two/);
  assert.equal(failing.code, 1);
  passed = true;
  assert.equal((await appliance.lbpair("health-check", "run", "VNA", "--json")).code, 0);
  assert.deepEqual(orders, [{ service: "VNA", server: "PrimaryCluster" }, { service: "VNA" }]);
  const unknown = await appliance.lbpair("health-check", "run", "VNB");
  assert.match(unknown.stderr, /VNB: want SERVICE or SERVICE\/SERVER; there are/);
});

test("wrong usage exits 2 and guesses what was meant", async () => {
  const cases: [string[], RegExp][] = [
    [["statsu"], /Did you mean status\?/],
    [["restart", "forwardr"], /Did you mean forwarder\?/],
    [["make-active", "primry"], /Did you mean primary\?/],
    [["status", "--jsn"], /Did you mean --json\?/],
    [["halt"], /missing required argument/],
    [["events", "--limit", "many"], /want a whole number/],
    [["plan", "now"], /too many arguments/],
    [[], /Usage: lbpair/],
  ];
  for (const [argv, message] of cases) {
    const { code, stderr } = await appliance.lbpair(...argv);
    assert.match(stderr, message, argv.join(" "));
    assert.equal(code, 2, argv.join(" "));
  }
});

const event = (fields: Partial<EventRecord>): EventRecord => ({
  seq: 1,
  at: "2026-11-22T14:50:12.345Z",
  node: "lb1",
  daemon: "heartbeat",
  level: "info",
  event: "started",
  text: "it started",
  facts: {},
  ...fields,
});

test("events of both nodes come as one story sorted by time, the last ones where limited", async () => {
  await appliance.serve("heartbeat", {
    "GET /events": () => [
      event({
        seq: 2,
        at: "2026-11-22T14:50:14.000Z",
        level: "alarm",
        event: "became-active",
        text: "lb2 was silent for 1.0 s",
      }),
      event({ seq: 1 }),
    ],
  });
  await appliance.serve("forwarder", { "GET /events": () => [] });
  await appliance.serve("replicator", {
    "GET /events": () => [],
    "GET /peer/events": () => [
      event({ node: "lb2", at: "2026-11-22T14:50:13.000Z", level: "warn", text: "lb1 is late" }),
    ],
  });
  const all = await appliance.lbpair("events");
  assert.equal(
    all.stdout,
    [
      "2026-11-22",
      "14:50:12.345  lb1 heartbeat         it started  started",
      "14:50:13.000  lb2 heartbeat   WARN  lb1 is late  started",
      "14:50:14.000  lb1 heartbeat   ALARM lb2 was silent for 1.0 s  became-active",
      "",
    ].join("\n"),
  );
  assert.equal(all.code, 0);
  const limited = await appliance.lbpair("events", "--limit", "1", "--json");
  assert.deepEqual(
    (JSON.parse(limited.stdout) as EventRecord[]).map((one) => one.event),
    ["became-active"],
  );
});

test("every verb's help has examples and exits 0", async () => {
  const verbs = [
    "status",
    "check",
    "plan",
    "apply",
    "halt",
    "drain",
    "online",
    "make-active",
    "clear-flaps",
    "health-check",
    "sync",
    "events",
    "restart",
    "completion",
  ];
  for (const verb of verbs) {
    const { code, stdout } = await appliance.lbpair(verb, "--help");
    assert.match(stdout, new RegExp(`Examples:\n( .*lbpair ${verb})`), verb);
    assert.equal(code, 0, verb);
  }
});

test("--version names the program and its version", async () => {
  const { code, stdout } = await appliance.lbpair("--version");
  assert.match(stdout, /^lbpair \d+\.\d+\.\d+\n$/);
  assert.equal(code, 0);
});
