// sign.test.ts — promises of sign.ts.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { createSign } from "./sign.js";

test("a signature is HMAC-SHA256, for keys and datagrams of every length", () => {
  for (const keyBytes of [0, 1, 32, 63, 64, 65, 200]) {
    const key = randomBytes(keyBytes);
    const sign = createSign(key);
    for (const length of [0, 1, 55, 56, 64, 200, 1200]) {
      const bytes = randomBytes(length);
      const want = createHmac("sha256", key).update(bytes).digest("hex");
      assert.equal(Buffer.from(sign(bytes)).toString("hex"), want, `${keyBytes}, ${length}`);
    }
  }
});
