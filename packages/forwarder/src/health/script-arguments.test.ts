import assert from "node:assert/strict";
import { test } from "node:test";
import { seconds } from "@lbpair/common";
import { firstLine, REASON_CHARACTERS_MAX } from "./reason-line.js";
import { scriptArguments, scriptEnvironment } from "./script-arguments.js";
import type { CheckTarget } from "./types.js";

const target: CheckTarget = {
  id: "VNA/PrimaryCluster",
  service: "VNA",
  server: "PrimaryCluster",
  vip: "192.168.200.100",
  vports: [
    { first: 12000, last: 12000 },
    { first: 12300, last: 12301 },
  ],
  address: "192.168.100.110",
  protocol: "tcp",
  check: {
    type: "external",
    script: "archive",
    interval: seconds(30),
    timeout: seconds(10),
    failures: 10,
    successes: 1,
  },
};

test("a script is called with virtual IP, its ports, real server, and 0 for the same ports", () => {
  const want = ["192.168.200.100", "12000 12300 12301", "192.168.100.110", "0"];
  assert.deepEqual(scriptArguments(target), want);
  assert.deepEqual(scriptArguments({ ...target, port: 0 }), want);
  assert.equal(scriptArguments({ ...target, port: 104 })[3], "104");
});

test("a range of all ports fits into one argument", () => {
  const [, ports = ""] = scriptArguments({ ...target, vports: [{ first: 1, last: 65_535 }] });
  assert.equal(ports, "1-65535");
});

test("the environment names the same facts, and nothing of the daemon's own", () => {
  process.env.LBPAIR_TEST_SECRET = "secret";
  const facts = { timeoutMs: 10_000, attempt: 3, lastResult: "failed" as const };
  assert.deepEqual(scriptEnvironment({ ...target, port: 104 }, facts), {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/",
    LANG: "C.UTF-8",
    LB_VIP: "192.168.200.100",
    LB_VPORTS: "12000 12300 12301",
    LB_RIP: "192.168.100.110",
    LB_RPORTS: "104",
    LB_VIP_NAME: "VNA",
    LB_RIP_NAME: "PrimaryCluster",
    LB_CHECK_TIMEOUT_MS: "10000",
    LB_ATTEMPT: "3",
    LB_LAST_RESULT: "failed",
  });
});

test("a reason is one bounded line without control characters", () => {
  assert.equal(
    firstLine("\n \n  port\t12000 \u001b[31mclosed\u0007\r\nmore\n"),
    "port 12000  [31mclosed",
  );
  assert.equal(firstLine("x".repeat(5000)).length, REASON_CHARACTERS_MAX);
  assert.equal(firstLine("\n\n"), "");
});
