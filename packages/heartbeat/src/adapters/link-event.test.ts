// link-event.test.ts — promises of link-event.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMonitorLine } from "./link-event.js";

// Printed by `ip -o monitor address link` of iproute2 6.1 on Linux 6.18.
const CAPTURED: readonly (readonly [string, unknown])[] = [
  [
    "2: e0    inet 10.9.0.100/32 scope global dynamic e0\\       valid_lft 2sec preferred_lft 2sec",
    { kind: "address-added", link: "e0", linkIndex: 2, address: "10.9.0.100", prefix: 32 },
  ],
  [
    "Deleted 2: e0    inet 10.9.0.100/32 scope global dynamic e0\\       valid_lft 0sec preferred_lft 0sec",
    { kind: "address-removed", link: "e0", linkIndex: 2, address: "10.9.0.100", prefix: 32 },
  ],
  [
    "Deleted 2: e0    inet6 fd00::100/128 scope global nodad deprecated \\       valid_lft forever preferred_lft 0sec",
    { kind: "address-removed", link: "e0", linkIndex: 2, address: "fd00::100", prefix: 128 },
  ],
  [
    "2: e0@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN group default \\    link/ether 6e:2f:62:f9:07:2c brd ff:ff:ff:ff:ff:ff link-netns hba-y",
    { kind: "link-down", link: "e0", linkIndex: 2 },
  ],
  [
    "2: e0@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state DOWN group default \\    link/ether 6e:2f:62:f9:07:2c brd ff:ff:ff:ff:ff:ff link-netns hba-y",
    { kind: "link-down", link: "e0", linkIndex: 2 },
  ],
  [
    "2: e0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default \\    link/ether 6e:2f:62:f9:07:2c brd ff:ff:ff:ff:ff:ff link-netns hba-y",
    { kind: "link-up", link: "e0", linkIndex: 2 },
  ],
  [
    "4: d.5@d6: <BROADCAST,MULTICAST,M-DOWN> mtu 1500 qdisc noop state DOWN group default \\    link/ether ce:f7:5a:47:45:ed brd ff:ff:ff:ff:ff:ff",
    { kind: "link-down", link: "d.5", linkIndex: 4 },
  ],
  [
    "Deleted 4: d.5@NONE: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default \\    link/ether ce:f7:5a:47:45:ed brd ff:ff:ff:ff:ff:ff",
    { kind: "link-removed", link: "d.5", linkIndex: 4 },
  ],
];

test("every line captured from ip monitor is understood", () => {
  for (const [line, event] of CAPTURED) assert.deepEqual(parseMonitorLine(line), event, line);
});

test("a peer address and an address without prefix are read as what is on the link", () => {
  const tunnel = "7: tun0    inet 10.8.0.1 peer 10.8.0.2/32 scope global tun0\\ valid_lft forever";
  assert.deepEqual(parseMonitorLine(tunnel), {
    kind: "address-added",
    link: "tun0",
    linkIndex: 7,
    address: "10.8.0.1",
    prefix: 32,
  });
});

test("anything else is nothing", () => {
  for (const line of [
    "",
    "nsid 0 (iproute2 netns name: x)",
    "2: e0    inet 999.1.1.1/32 scope",
    "garbage: 5",
  ]) {
    assert.equal(parseMonitorLine(line), undefined, line);
  }
});
