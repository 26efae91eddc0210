// cli.test.ts — the real lbpair process against fake daemons: exit codes and messages.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { type EventRecord, RefusalError } from "@lbpair/common";
import { createTestAppliance, type TestAppliance } from "./test-appliance.js";
import { sampleForwarder, sampleHeartbeat, sampleReplicator } from "./view/sample-pairs.js";

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
  assert.doesNotMatch(stdout, /\u001b/, "no colour into a pipe");
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
  assert.match(forced.stdout, /\u001b\[32m/);
  const refused = await appliance.lbpairWith({ FORCE_COLOR: "1", NO_COLOR: "1" }, "status");
  assert.doesNotMatch(refused.stdout, /\u001b/);
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

test("an order to a dead daemon fails with one sentence and exit code 1", async () => {
  for (const [argv, daemon] of [
    [["plan"], "replicator"],
    [["apply"], "replicator"],
    [["sync"], "replicator"],
    [["make-active", "primary"], "heartbeat"],
    [["restart", "forwarder"], "forwarder"],
    [["halt", "VNA/PrimaryCluster"], "replicator"],
  ] as const) {
    const { code, stdout, stderr } = await appliance.lbpair(...argv);
    assert.equal(stdout, "", argv.join(" "));
    assert.match(
      stderr,
      new RegExp(`^lbpair: the ${daemon} does not run: [^\n]*\n$`),
      argv.join(" "),
    );
    assert.equal(code, 1, argv.join(" "));
  }
});

test("halt tells what changed, what it cut and who answers now", async () => {
  let mode: "online" | "halt" = "online";
  const orders: unknown[] = [];
  await appliance.serve("forwarder", {
    "GET /status": () => {
      const [service] = sampleForwarder().services;
      const [real, fallback] = service?.servers ?? [];
      assert(service !== undefined && real !== undefined && fallback !== undefined);
      const halted = mode === "halt";
      return sampleForwarder({
        services: [
          {
            ...service,
            servers: [
              { ...real, mode, serving: !halted },
              { ...fallback, serving: halted },
            ],
          },
        ],
      });
    },
  });
  await appliance.serve("replicator", {
    "POST /mode": ({ body }) => {
      orders.push(body);
      setTimeout(() => {
        mode = "halt";
      }, 150);
      return {
        service: "VNA",
        server: "PrimaryCluster",
        was: "online",
        mode: "halt",
        peer: { state: "in-sync", reason: "" },
      };
    },
  });
  const { code, stdout, stderr } = await appliance.lbpair("halt", "VNA/PrimaryCluster");
  assert.equal(stderr, "");
  assert.deepEqual(orders, [{ service: "VNA", server: "PrimaryCluster", mode: "halt" }]);
  assert.match(stdout, /VNA\/PrimaryCluster online → halt/);
  assert.match(
    stdout,
    /34 open connections are cut; VNA is answered by the fallback server 192.168.100.120/,
  );
  assert.match(stdout, /peer: in-sync/);
  assert.equal(code, 0);
});

test("a server name with a slip is refused before anything is ordered", async () => {
  await appliance.serve("forwarder", { "GET /status": () => sampleForwarder() });
  await appliance.serve("replicator", { "POST /mode": () => assert.fail("ordered all the same") });
  for (const [name, message] of [
    ["VNA/PrimaryCluter", /did you mean VNA\/PrimaryCluster\?/],
    ["VNA", /did you mean VNA\/PrimaryCluster\?/],
    ["PrimaryCluster", /did you mean VNA\/PrimaryCluster\?/],
    ["vnb/primarycluster", /did you mean VNA\/PrimaryCluster\?/],
    ["VNA/fallback", /a fallback server has no mode/],
    ["x/y", /there are VNA\/PrimaryCluster/],
  ] as const) {
    const { code, stderr } = await appliance.lbpair("drain", name);
    assert.match(stderr, message, name);
    assert.equal(code, 1, name);
  }
});

test("a refusal is printed with every problem, and as JSON where asked", async () => {
  const problems = [
    {
      code: "wrong-value",
      path: "virtualServices[0].ports[1]",
      want: "a port",
      got: "70000",
      file: "services.yaml",
      line: 12,
    },
    {
      code: "duplicate",
      path: "floatingIps[1].label",
      want: "a label used once",
      got: '"gateway"',
      file: "services.yaml",
      line: 5,
    },
  ] as const;
  await appliance.serve("replicator", {
    "POST /apply": () => {
      throw new RefusalError(422, "services.yaml has 2 problems", problems);
    },
  });
  const plain = await appliance.lbpair("apply");
  assert.match(plain.stderr, /lbpair: services.yaml has 2 problems/);
  assert.match(
    plain.stderr,
    /services.yaml:12: virtualServices\[0\].ports\[1\]: want a port, got 70000/,
  );
  assert.match(plain.stderr, /services.yaml:5: /);
  assert.equal(plain.code, 1);
  const json = await appliance.lbpair("apply", "--json");
  assert.deepEqual((JSON.parse(json.stdout) as { problems: unknown }).problems, problems);
  assert.equal(json.code, 1);
});

test("make-active without a word orders this node, and a refused hand-over exits 1", async () => {
  const orders: unknown[] = [];
  let done = true;
  await appliance.serve("heartbeat", {
    "GET /status": () =>
      sampleHeartbeat({ designation: "secondary", node: "lb2", condition: "passive" }),
    "POST /make-active": ({ body }) => {
      orders.push(body);
      return {
        done,
        message: done ? "lb2 is active" : "lb1 did not answer; nothing changed",
        tookMs: 18,
      };
    },
  });
  const good = await appliance.lbpair("make-active");
  assert.match(good.stdout, /lb2 is active \(18 ms\)/);
  assert.equal(good.code, 0);
  done = false;
  const refused = await appliance.lbpair("make-active", "primary");
  assert.match(refused.stdout, /nothing changed/);
  assert.equal(refused.code, 1);
  assert.deepEqual(orders, [{ designation: "secondary" }, { designation: "primary" }]);
});

test("restart waits until another process answers", async () => {
  let pid = 12;
  await appliance.serve("forwarder", {
    "GET /status": () => sampleForwarder({ pid }),
    "POST /restart": () => {
      setTimeout(() => {
        pid = 34;
      }, 200);
      return { restarting: true };
    },
  });
  const { code, stdout } = await appliance.lbpair("restart", "forwarder");
  assert.match(stdout, /the forwarder is back after .* \(process 12 → 34\)/);
  assert.equal(code, 0);
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

test("plan shows the changes here and on the peer", async () => {
  const changes = [
    { path: "virtualServices.VNA.ports", kind: "change", was: "12000", becomes: "12000,12950" },
    {
      path: "virtualServices.PACS",
      kind: "add",
      was: null,
      becomes: "{ address: 192.168.200.101 }",
    },
  ];
  await appliance.serve("replicator", {
    "POST /plan": () => ({
      revision: { serial: 13, hash: "0123456789abcdef" },
      changes,
      peer: { state: "in-sync", reason: "", changes },
      problems: [],
    }),
  });
  const { code, stdout } = await appliance.lbpair("plan");
  assert.match(stdout, /2 changes here/);
  assert.match(stdout, /~ virtualServices.VNA.ports: 12000 → 12000,12950/);
  assert.match(stdout, /\+ virtualServices.PACS: /);
  assert.match(stdout, /the same changes on the peer/);
  assert.equal(code, 0);
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
