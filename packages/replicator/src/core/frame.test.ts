import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  createFrameReader,
  decodeFrame,
  encodeFrame,
  FRAME_BODY_BYTES_MAX,
  FRAME_HEADER_BYTES_MAX,
} from "./frame.js";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

test("a frame comes out as it went in, however its bytes are cut", () => {
  console.log(`seed ${seed}`);
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 50 }),
      (header, body, step) => {
        const bytes = encodeFrame("request", header, body);
        const reader = createFrameReader("request");
        for (let at = 0; at < bytes.length; at += step) {
          const decoded = reader.add(bytes.subarray(at, at + step));
          if (at + step < bytes.length) assert.equal(decoded.state, "more");
          else {
            assert.ok(decoded.state === "whole");
            assert.equal(JSON.stringify(decoded.frame.header), JSON.stringify(header));
            assert.deepEqual([...decoded.frame.body], [...body]);
          }
        }
      },
    ),
    { seed, numRuns: 200 },
  );
});

test("random bytes are refused or waited for, never thrown on", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.notEqual(decodeFrame(bytes, "request").state, "whole");
    }),
    { seed, numRuns: 500 },
  );
});

test("a length over its bound is refused from the first 14 bytes", () => {
  for (const [at, limit, what] of [
    [6, FRAME_HEADER_BYTES_MAX, "header"],
    [10, FRAME_BODY_BYTES_MAX, "body"],
  ] as const) {
    const bytes = encodeFrame("request", {}).slice(0, 14);
    const view = new DataView(bytes.buffer);
    view.setUint32(at, limit);
    assert.equal(decodeFrame(bytes, "request").state, "more", `${what} at its bound`);
    view.setUint32(at, limit + 1);
    const decoded = decodeFrame(bytes, "request");
    assert.ok(decoded.state === "bad" && decoded.want.includes(what));
  }
});

test("an answer is no request, another version is refused, and nothing may follow a frame", () => {
  const bytes = encodeFrame("answer", { ok: true });
  assert.equal(decodeFrame(bytes, "request").state, "bad");
  const other = bytes.slice();
  other[4] = 2;
  assert.equal(decodeFrame(other, "answer").state, "bad");
  assert.equal(decodeFrame(new Uint8Array([...bytes, 0]), "answer").state, "bad");
});
