// addresses.test.ts — promises of addresses.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lowerLine, parseLinks, raiseLine } from "./addresses.js";
import { parseBatchErrors } from "./ip-errors.js";

test("an IPv6 address skips duplicate detection and is never preferred as a source", () => {
  const v4 = { address: "10.0.0.9", prefix: 32, link: "eth1", lifetimeSeconds: 3 } as const;
  const v6 = { address: "fd00::9", prefix: 128, link: "eth1", lifetimeSeconds: null } as const;
  assert.equal(raiseLine(v4), "addr replace 10.0.0.9/32 dev eth1 valid_lft 3 preferred_lft 3");
  assert.equal(
    raiseLine(v6),
    "addr replace fd00::9/128 dev eth1 nodad valid_lft forever preferred_lft 0",
  );
  assert.equal(lowerLine(v4), "addr del 10.0.0.9/32 dev eth1");
});

test("errors of a batch are told by line", () => {
  const said =
    'Cannot find device "nope"\nCommand failed -:2\nError: ipv4: Address not found.\nCommand failed -:3\n' +
    "RTNETLINK answers: Permission denied\nCommand failed -:7\n";
  assert.deepEqual(
    [...parseBatchErrors(said)],
    [
      [2, 'Cannot find device "nope"'],
      [3, "ipv4: Address not found."],
      [7, "Permission denied"],
    ],
  );
  assert.equal(parseBatchErrors('Object "bad" is unknown\n').size, 0);
});

test("ip's JSON is read, with empty objects as iproute2 prints them", () => {
  const json = JSON.stringify([
    {},
    {
      ifindex: 2,
      ifname: "e0",
      flags: ["BROADCAST", "UP"],
      link_type: "ether",
      address: "6e:2f:62:f9:07:2c",
      addr_info: [
        { family: "inet", local: "10.9.0.1", prefixlen: 24, valid_life_time: 4_294_967_295 },
        { family: "inet", local: "10.9.0.100", prefixlen: 32, valid_life_time: 9 },
      ],
    },
  ]);
  const { links, present } = parseLinks(json);
  assert.deepEqual(
    links.map(({ link, index, carrier }) => [link, index, carrier]),
    [["e0", 2, false]],
  );
  assert.deepEqual(present, [
    { address: "10.9.0.1", prefix: 24, link: "e0", validLifetimeSeconds: null },
    { address: "10.9.0.100", prefix: 32, link: "e0", validLifetimeSeconds: 9 },
  ]);
});
