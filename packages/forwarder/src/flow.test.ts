// flow.test.ts — promises of flow.ts and flow-owner.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isOpen, parseFlow } from "./flow.js";
import { isCovered, ownFlows } from "./flow-owner.js";
import { distributed, fallback, server, service, verdicts } from "./testing/services.js";

const VIPS = new Set(["192.168.200.100"]);
const byClient =
  "tcp      6 431999 ESTABLISHED src=192.168.200.50 dst=192.168.200.100 sport=40000 dport=80 src=192.168.100.11 dst=192.168.200.50 sport=80 dport=40000 [ASSURED] mark=0 use=1";
const byServer =
  "tcp      6 299 ESTABLISHED src=192.168.100.11 dst=192.168.200.50 sport=80 dport=40000 src=192.168.200.50 dst=192.168.200.100 sport=40000 dport=80 [ASSURED] mark=0 use=1";
const udp =
  "udp      17 29 src=192.168.200.50 dst=192.168.200.100 sport=40000 dport=80 [UNREPLIED] src=192.168.100.11 dst=192.168.200.50 sport=80 dport=40000 mark=0 use=1";

test("a flow reads the same whichever side its entry was begun by", () => {
  const [one, other] = [parseFlow(byClient, VIPS), parseFlow(byServer, VIPS)];
  assert.equal(one?.begunBy, "client");
  assert.equal(other?.begunBy, "server");
  const side = { begunBy: "", secondsLeft: 0 };
  assert.deepEqual({ ...one, ...side }, { ...other, ...side });
  assert.deepEqual([one?.secondsLeft, other?.secondsLeft], [431_999, 299]);
  assert.deepEqual(
    [one?.client, one?.clientPort, one?.vip, one?.server, one?.state],
    ["192.168.200.50", 40000, "192.168.200.100", "192.168.100.11", "ESTABLISHED"],
  );
});

test("UDP is read too, and other protocols and addresses are not", () => {
  assert.equal(parseFlow(udp, VIPS)?.protocol, "udp");
  assert.equal(parseFlow(udp, new Set(["10.0.0.1"])), undefined);
  assert.equal(
    parseFlow("icmp     1 29 src=1.1.1.1 dst=2.2.2.2 type=8 code=0 id=1", VIPS),
    undefined,
  );
  assert.equal(parseFlow("", VIPS), undefined);
});

test("open means that data may still come", () => {
  const flow = parseFlow(byClient, VIPS);
  assert.ok(flow !== undefined);
  assert.ok(isOpen(flow));
  for (const state of ["TIME_WAIT", "CLOSE", "LAST_ACK", "SYN_SENT"]) {
    assert.equal(isOpen({ ...flow, state }), false, state);
  }
});

test("a flow is covered where the maps name its server now and the packets name the service", () => {
  const flow = parseFlow(byClient, VIPS);
  assert.ok(flow !== undefined);
  const web = service([server("a"), fallback()]);
  const covered = (healthy: boolean, byRule: boolean) => {
    const now = distributed(web, verdicts(healthy ? [] : ["web/a"]));
    return ownFlows([flow], [now]).map((owned) => isCovered(owned, byRule));
  };
  assert.deepEqual(covered(true, true), [true]);
  assert.deepEqual(covered(false, true), [false]);
  assert.deepEqual(covered(true, false), [false]);
});
