// lease-line.test.ts — promises of lease-line.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common";
import { prolongsInPlace } from "./lease.js";
import { grantLine, parseLease, parseNftTime, refresher, revokeLine } from "./lease-line.js";

const egress = { hook: "egress", links: [], floatingIps: ["10.0.0.1"] } as const;
const output = { hook: "output", links: [], floatingIps: ["10.0.0.1", "fd00::1"] } as const;

test("a refresh is one line that deletes before it adds, so that it fails whole on a lapsed lease", () => {
  assert.equal(
    refresher(egress)(millis(800)),
    "delete element netdev lbpair_gate lease { arp, ip6 }; " +
      "add element netdev lbpair_gate lease { arp timeout 800ms, ip6 timeout 800ms }",
  );
});

test("with the output hook one line covers both families", () => {
  assert.equal(
    refresher(output)("unlimited"),
    "delete element arp lbpair_gate lease { arp }; add element arp lbpair_gate lease { arp }; " +
      "delete element ip6 lbpair_gate lease { ip6 }; add element ip6 lbpair_gate lease { ip6 }",
  );
});

test("a grant flushes first, so that it works on a living and on a lapsed lease", () => {
  assert.match(grantLine(egress, millis(0.2)), /^flush set .*; add element .* arp timeout 1ms,/);
  assert.equal(revokeLine(egress), "flush set netdev lbpair_gate lease");
});

test("a bounded lease is prolonged without deleting, and full where it is revoked", () => {
  const bounded = { ...egress, bounded: true };
  assert.equal(
    refresher(bounded)(millis(800)),
    "add element netdev lbpair_gate lease { arp timeout 800ms expires 800ms, ip6 timeout 800ms expires 800ms }",
  );
  assert.equal(
    refresher(bounded)("unlimited"),
    "add element netdev lbpair_gate lease { arp, ip6 }",
  );
  assert.equal(
    revokeLine(bounded),
    "flush set netdev lbpair_gate lease; add element netdev lbpair_gate lease { 0x0001, 0x0002 }",
  );
  const table = { ...bounded, hook: "output" } as const;
  assert.match(revokeLine(table), /add element arp lbpair_gate lease \{ 0x0001 \}$/);
});

test("kernels prolong in place from 6.12 on", () => {
  const answers = ["5.15.0-91", "6.1.0-18-amd64", "6.11.9", "6.12", "6.18.44-fc", "7.0", "what"];
  assert.deepEqual(answers.map(prolongsInPlace), [false, false, false, true, true, true, false]);
});

test("what nft prints of a lease is read to the millisecond", () => {
  const set = (elements: string) =>
    `table netdev lbpair_gate {\n\tset lease {\n\t\ttype ether_type\n\t\tflags timeout\n${elements}\t}\n}\n`;
  const two = set(
    "\t\telements = { arp timeout 5s800ms expires 5s596ms,\n\t\t\t     ip6 timeout 800ms expires 596ms }\n",
  );
  assert.equal(parseLease(two), 596);
  assert.equal(parseLease(set("\t\telements = { arp, ip6 }\n")), "unlimited");
  assert.equal(parseLease(set("")), null);
  assert.equal(parseLease(set("\t\telements = { 0x0001, 0x0002 }\n")), null, "a revoked one");
  assert.equal(parseNftTime("1d2h3m4s5ms"), 93_784_005);
});
