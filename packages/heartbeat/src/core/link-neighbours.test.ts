// link-neighbours.test.ts — promises of link-neighbours.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { servicesSchema } from "@lbpair/common";
import { linkNeighbours } from "./link-neighbours.js";

const services = servicesSchema.parse({
  heartbeat: { neighbours: ["10.0.0.77"], pingNodes: ["10.0.0.78", "10.0.1.78", "fd00::78"] },
  virtualServices: [
    {
      label: "A",
      address: "10.0.0.100",
      ports: [80],
      realServers: [{ label: "one", address: "10.0.1.11" }],
      fallback: { address: "10.0.1.12" },
      check: { type: "on" },
    },
  ],
});
const front = {
  link: "front",
  networks: [
    { address: "10.0.0.1", prefixLength: 24 },
    { address: "fd00::1", prefixLength: 64 },
  ],
};
const back = { link: "back", networks: [{ address: "10.0.1.1", prefixLength: 24 }] };

test("each link has those hosts that live on it: named, servers, routers, ping nodes", () => {
  const routers = [
    { link: "front", address: "10.0.0.254" },
    { link: "front", address: "fe80::1" },
  ];
  assert.deepEqual(linkNeighbours(front, services, routers), [
    "10.0.0.77",
    "10.0.0.254",
    "fe80::1",
    "10.0.0.78",
    "fd00::78",
  ]);
  assert.deepEqual(linkNeighbours(back, services, routers), [
    "10.0.1.11",
    "10.0.1.12",
    "10.0.1.78",
  ]);
});
