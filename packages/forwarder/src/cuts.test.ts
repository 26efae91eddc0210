// cuts.test.ts — promises of cuts.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cutsText, findStrays, provocations, serverPairs } from "./cuts.js";
import type { Flow } from "./flow.js";
import { distributed, fallback, server, service, verdicts } from "./testing/services.js";

const flow = (more: Partial<Flow> = {}): Flow => ({
  protocol: "tcp",
  client: "192.168.200.50",
  clientPort: 40000,
  vip: "192.168.200.100",
  vipPort: 80,
  server: server("a").address,
  serverPort: 80,
  begunBy: "client",
  state: "ESTABLISHED",
  secondsLeft: 431_999,
  ...more,
});
const both = [flow(), flow({ protocol: "udp", state: "" })];
const web = (mode: "online" | "drain" | "halt", weight = 100) =>
  service([server("a", { mode, weight }), fallback()], {
    protocol: "both",
    protocols: ["tcp", "udp"],
  });
const strays = (mode: "online" | "drain" | "halt", unhealthy: string[] = [], weight = 100) =>
  findStrays(both, [distributed(web(mode, weight), verdicts(unhealthy))], () => false);
const counts = (found: ReturnType<typeof findStrays>) => [found.tcp.length, found.udp.length];

test("flows of a serving server stay", () => {
  assert.deepEqual(counts(strays("online")), [0, 0]);
});

test("a halted server's TCP is cut and its UDP freed", () => {
  assert.deepEqual(counts(strays("halt")), [1, 1]);
});

test("of a halted server's connections that begin or have ended only the entries go", () => {
  for (const state of ["SYN_SENT", "TIME_WAIT", "CLOSE"]) {
    const found = findStrays([flow({ state })], [distributed(web("halt"))], () => false);
    assert.deepEqual([found.tcp.length, found.silent.length], [0, 1], state);
  }
});

test("a drained server keeps both, by mode or by weight 0", () => {
  assert.deepEqual(counts(strays("drain")), [0, 0]);
  assert.deepEqual(counts(strays("online", [], 0)), [0, 0]);
});

test("an unhealthy server keeps its TCP, its UDP clients are freed", () => {
  assert.deepEqual(counts(strays("online", ["web/a"])), [0, 1]);
});

test("when the real server is back the fallback's UDP clients return, its TCP stays", () => {
  const onFallback = both.map((each) => ({ ...each, server: "192.168.100.120" }));
  const found = findStrays(onFallback, [distributed(web("online"))], () => false);
  assert.deepEqual(counts(found), [0, 1]);
});

test("flows of a server that left the configuration end", () => {
  const found = findStrays(
    [flow({ server: "10.9.9.9" })],
    [distributed(web("online"))],
    () => false,
  );
  assert.deepEqual(counts(found), [1, 0]);
});

test("flows of a removed service end, another program's flows through the address do not", () => {
  const [removed, foreign] = [flow({ vipPort: 443, serverPort: 443 }), flow({ vipPort: 8443 })];
  const former = (flow: Flow) => flow.vipPort === 443;
  const found = findStrays([removed, foreign], [distributed(web("online"))], former);
  assert.deepEqual(found.tcp, [removed]);
});

test("a cut names both directions as they are on the wire, each once", () => {
  const text = cutsText(4, [flow({ serverPort: 8080 }), flow({ serverPort: 8080 })]);
  assert.equal(
    text,
    "add element ip lbpair cuts { 192.168.200.50 . 40000 . 192.168.200.100 . 80, 192.168.100.11 . 8080 . 192.168.200.50 . 40000 }\n",
  );
});

test("both ends are provoked by a SYN that seems to come from the other", () => {
  const [toClient, toServer] = provocations(flow({ serverPort: 8080 }), 7);
  assert.deepEqual(
    [toClient?.source, toClient?.sourcePort, toClient?.destination, toClient?.destinationPort],
    ["192.168.200.100", 80, "192.168.200.50", 40000],
  );
  assert.deepEqual(
    [toServer?.source, toServer?.sourcePort, toServer?.destination, toServer?.destinationPort],
    ["192.168.200.50", 40000, "192.168.100.11", 8080],
  );
});

test("deletions are grouped by server and virtual address", () => {
  const flows = [flow(), flow({ clientPort: 2 }), flow({ server: "10.0.0.1" })];
  assert.deepEqual(
    serverPairs(flows).map((pair) => [pair.server, pair.flows]),
    [
      ["192.168.100.11", 2],
      ["10.0.0.1", 1],
    ],
  );
});
