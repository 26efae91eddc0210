// orders.test.ts — the verbs that change something, as real processes against fake daemons.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { RefusalError } from "@lbpair/common";
import { createTestAppliance, type TestAppliance } from "./test-appliance.js";
import { sampleForwarder, sampleHeartbeat } from "./view/sample-statuses.js";

let appliance: TestAppliance;
beforeEach(async () => {
  appliance = await createTestAppliance();
});
afterEach(() => appliance.close());

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
      const until = `${new Date(Date.now() + 7_199_000).toISOString().slice(0, 19)}Z`;
      return {
        changes: [{ service: "VNA", server: "PrimaryCluster", was: "online", mode: "halt", until }],
        peer: { state: "in-sync", reason: "" },
      };
    },
  });
  const env = { SUDO_USER: "anna", USER: "root" };
  const argv = ["halt", "VNA", "--for", "2h", "--reason", "new firmware"];
  const { code, stdout, stderr } = await appliance.lbpairWith(env, ...argv);
  assert.equal(stderr, "");
  assert.deepEqual(orders, [
    {
      servers: ["VNA/PrimaryCluster"],
      mode: "halt",
      by: "anna",
      reason: "new firmware",
      forMs: 7_200_000,
    },
  ]);
  assert.match(stdout, /VNA\/PrimaryCluster online → halt, online again in 120 min/);
  assert.match(
    stdout,
    /34 open connections are cut; VNA is answered by the fallback server 192.168.100.120/,
  );
  assert.match(stdout, /peer: in-sync/);
  assert.equal(code, 0);
});

test("an end that is no time, or two ends, is wrong usage and orders nothing", async () => {
  await appliance.serve("forwarder", { "GET /status": () => sampleForwarder() });
  await appliance.serve("replicator", { "POST /mode": () => assert.fail("ordered all the same") });
  for (const [options, message] of [
    [["--for", "tomorrow"], /--for: want a duration like 30m, 2h or 3d, got tomorrow/],
    [["--until", "25:00"], /--until: want a time like 18:00/],
    [["--for", "1h", "--until", "18:00"], /want --for or --until, not both/],
  ] as const) {
    const { code, stderr } = await appliance.lbpair("halt", "VNA/PrimaryCluster", ...options);
    assert.match(stderr, message);
    assert.equal(code, 2);
  }
});

test("a server name with a slip is refused before anything is ordered", async () => {
  await appliance.serve("forwarder", { "GET /status": () => sampleForwarder() });
  await appliance.serve("replicator", { "POST /mode": () => assert.fail("ordered all the same") });
  for (const [name, message] of [
    ["VNA/PrimaryCluter", /did you mean VNA\/PrimaryCluster\?/],
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

test("plan --elements shows what changes in the kernel as nftables writes it", async () => {
  await appliance.serve("replicator", {
    "POST /plan": () => ({
      revision: null,
      changes: [],
      peer: { state: "unpaired", reason: "", changes: null },
      problems: [],
    }),
  });
  await appliance.serve("forwarder", {
    "POST /plan": () => ({
      elements: 3,
      sets: [{ set: "services", removed: 1, added: 2 }],
      lines: ["- services { a : 0:1 }", "+ services { a : 0:2 }"],
    }),
  });
  const { code, stdout } = await appliance.lbpair("plan", "--elements");
  console.log(stdout);
  assert.match(stdout, /3 elements of this node's kernel: services -1 \+2/);
  assert.match(
    stdout,
    / {2}- services \{ a : 0:1 \}\n {2}\+ services \{ a : 0:2 \}\n {2}and 1 more/,
  );
  assert.equal(code, 0);
});
