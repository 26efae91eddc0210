// network-cells.test.ts — promises of network-cells.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeartbeatStatus, NeighbourStatus } from "@lbpair/common";
import { UNICODE_GLYPHS } from "../render/glyphs.js";
import { plainText } from "../render/text.js";
import { neighboursCell, witnessCell } from "./network-cells.js";

const neighbour = (
  last: number,
  state: NeighbourStatus["state"],
  afterMs: number | null = null,
): NeighbourStatus => ({
  floatingIp: "10.0.0.100",
  neighbour: `10.0.0.${last}`,
  link: "eth1",
  state,
  afterMs,
});
const said = (neighbours: NeighbourStatus[]): string =>
  plainText(neighboursCell({ neighbours } as unknown as HeartbeatStatus, UNICODE_GLYPHS));
const witnessed = (witness: HeartbeatStatus["witness"]): string =>
  plainText(witnessCell({ witness } as unknown as HeartbeatStatus, UNICODE_GLYPHS));

test("neighbours that have not learnt a take over are named, those that answer nobody too", () => {
  assert.equal(said([]), "");
  const all = [
    neighbour(1, "learnt", 2.2),
    neighbour(2, "learnt", 5.7),
    ...[3, 4, 5, 6, 7].map((last) => neighbour(last, "pending")),
    neighbour(8, "silent"),
  ];
  console.log(said(all));
  assert.match(said(all), /^2 of 8 know within 6 ms/);
  assert.match(said(all), /not learnt: 10\.0\.0\.3, 10\.0\.0\.4, 10\.0\.0\.5 and 2 more/);
  assert.match(said(all), /no echo from 10\.0\.0\.8/);
  assert.match(said([neighbour(1, "pending")]), /^0 of 1 know$/m);
});

test("networks are spoken of only while the peer is silent, or without carrier", () => {
  const link = { link: "eth1", carrier: true, neighbourAgeMs: 5, answeredBy: null };
  assert.equal(witnessed([link]), "");
  assert.match(witnessed([{ ...link, carrier: false }]), /eth1 has no carrier/);
  assert.match(
    witnessed([{ ...link, answeredBy: "stranger" }]),
    /eth1: floating IPs answered by stranger/,
  );
});
