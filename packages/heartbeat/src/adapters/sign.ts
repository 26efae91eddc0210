// sign.ts — HMAC-SHA256 under the pair's key, with the key's part of the work done once.
import { createHash } from "node:crypto";
import type { Sign } from "../core/wire.js";

const BLOCK_BYTES = 64;

/**
 * RFC 2104: H(key ^ opad, H(key ^ ipad, bytes)). Each datagram goes on from the two states that the
 * key leaves; Node's own Hmac sets the key up again each time, which costs half as much again.
 */
export function createSign(key: Uint8Array): Sign {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? createHash("sha256").update(key).digest() : key);
  const keyed = (pad: number) => createHash("sha256").update(block.map((byte) => byte ^ pad));
  const inner = keyed(0x36);
  const outer = keyed(0x5c);
  return (bytes) => outer.copy().update(inner.copy().update(bytes).digest()).digest();
}
