import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Advert, VerdictsPart } from "./advert.js";
import { ADVERT_MACS_MAX } from "./advert-bytes.js";
import { type Assembly, assemble, splitVerdicts } from "./verdict-transfer.js";
import {
  ADVERT_BYTES_MAX,
  DATAGRAM_BYTES_MAX,
  decodeDatagram,
  encodeAdvert,
  encodeVerdicts,
  type Sign,
} from "./wire.js";

const signWith =
  (key: string): Sign =>
  (bytes) =>
    createHmac("sha256", key).update(bytes).digest();
const sign = signWith("the pair's key");

const advert: Advert = {
  version: 2,
  newest: 2,
  forHealth: true,
  probing: true,
  pingsLost: 1,
  latenessMs: 7,
  macs: ["02:00:00:00:00:01", "02:00:00:00:00:02"],
  sentUs: 1_234_567_890,
  designation: "primary",
  active: true,
  ready: true,
  yielding: false,
  requesting: false,
  faults: 2,
  path: 1,
  leaseMs: 800,
  sequence: 123_456_789_012,
  session: "0123456789abcdef",
  echo: "fedcba9876543210",
  echoCandidate: "00112233445566ff",
  bootId: "00112233445566778899aabbccddeeff",
  epoch: 42,
  highestEpoch: 43,
  verdicts: { serial: 7, hash: "1111111111111111" },
  revision: { serial: 12, hash: "2222222222222222" },
  modes: { serial: 3, hash: "3333333333333333" },
  wallMs: 1_795_000_000_000,
  hearing: [
    { ageMs: 12.345, sentUs: 987_654_321, lossPermille: 5 },
    { ageMs: null, sentUs: 0, lossPermille: null },
  ],
};

test("an advert comes out of the wire as it went in", () => {
  const bytes = encodeAdvert(advert, sign);
  console.log(`an advert with two paths has ${bytes.length} bytes`);
  assert.ok(bytes.length <= ADVERT_BYTES_MAX);
  assert.deepEqual(decodeDatagram(bytes, sign), {
    ok: true,
    datagram: { kind: "advert", advert },
  });
});

test("the longest advert there can be is within its limit", () => {
  const one = { ageMs: 4_000_000, sentUs: Number.MAX_SAFE_INTEGER, lossPermille: 1000 };
  const hearing = Array.from({ length: 8 }, () => one);
  const macs = Array.from({ length: ADVERT_MACS_MAX }, () => "02:00:00:00:00:01");
  const { length } = encodeAdvert({ ...advert, macs, hearing }, sign);
  console.log(`with eight paths and ${ADVERT_MACS_MAX} MACs: ${length} bytes`);
  assert.ok(length <= ADVERT_BYTES_MAX);
});

test("an advert of the version before comes out with all that version says", () => {
  const older: Advert = { ...advert, version: 1 };
  const decoded = decodeDatagram(encodeAdvert(older, sign), sign);
  assert.deepEqual(decoded, {
    ok: true,
    datagram: {
      kind: "advert",
      advert: {
        ...older,
        pingsLost: 0,
        latenessMs: null,
        macs: [],
        sentUs: 0,
        hearing: [
          { ageMs: 12, sentUs: 0, lossPermille: null },
          { ageMs: null, sentUs: 0, lossPermille: null },
        ],
      },
    },
  });
});

test("a version that is not spoken yet, or no more, is dropped as such", () => {
  for (const version of [0, 3]) {
    const bytes = encodeAdvert(advert, sign);
    const signed = bytes.subarray(0, bytes.length - 32);
    signed[4] = version;
    const resealed = Buffer.concat([signed, sign(signed)]);
    assert.deepEqual(decodeDatagram(resealed, sign), { ok: false, reason: "wrong-version" });
  }
});

test("a datagram with another key, cut short, too long or changed in any bit is dropped with a reason", () => {
  const bytes = encodeAdvert(advert, sign);
  assert.deepEqual(decodeDatagram(bytes, signWith("another")), { ok: false, reason: "wrong-key" });
  for (let length = 0; length < bytes.length; length += 1) {
    assert.equal(decodeDatagram(bytes.subarray(0, length), sign).ok, false, `length ${length}`);
  }
  const long = new Uint8Array(DATAGRAM_BYTES_MAX + 1);
  assert.deepEqual(decodeDatagram(long, sign), { ok: false, reason: "too-long" });
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(decodeDatagram(changed, sign).ok, false, `bit ${bit}`);
  }
});

test("random bytes, rightly signed ones included, never crash and are never taken for an advert", () => {
  let accepted = 0;
  for (let i = 0; i < 20_000; i += 1) {
    const body = randomBytes(i % 300);
    const header = Buffer.from([0x4c, 0x42, 0x50, 0x41, 1, i % 4, 1 + (i % 2), 0]);
    const signed = Buffer.concat([header, body]);
    const datagram = Buffer.concat([signed, sign(signed)]);
    if (decodeDatagram(datagram, sign).ok) accepted += 1;
    assert.equal(decodeDatagram(body, sign).ok, false);
  }
  console.log(`rightly signed random bodies that happened to be well-formed: ${accepted} of 20000`);
});

test("verdicts travel in pieces and come out whole, whatever the order", () => {
  const unhealthy = Array.from({ length: 300 }, (_, i) => `service-${i}/server-${i}`);
  const verdicts = { serial: 9, hash: "4444444444444444", unhealthy, unknown: ["a/b"] };
  const pieces = splitVerdicts(verdicts) ?? [];
  assert.ok(pieces.length > 3);
  let assembly: Assembly | undefined;
  let whole: unknown;
  for (const [part, text] of [...pieces.entries()].reverse()) {
    const sent: VerdictsPart = {
      version: 2,
      designation: "primary",
      session: advert.session,
      echo: advert.echo,
      sequence: part,
      id: { serial: 9, hash: "4444444444444444" },
      part,
      parts: pieces.length,
      text,
    };
    const decoded = decodeDatagram(encodeVerdicts(sent, sign), sign);
    assert.ok(decoded.ok && decoded.datagram.kind === "verdicts");
    const result = assemble(assembly, decoded.datagram.verdicts);
    assembly = result.assembly;
    whole = result.verdicts ?? whole;
  }
  assert.deepEqual(whole, verdicts);
});

test("pieces of different verdicts never mix", () => {
  const one = { id: { serial: 1, hash: "1111111111111111" }, part: 0, parts: 2, text: "[[]" };
  const two = { id: { serial: 2, hash: "2222222222222222" }, part: 1, parts: 2, text: ",[]]" };
  const first = assemble(undefined, one);
  assert.equal(assemble(first.assembly, two).verdicts, undefined);
});
