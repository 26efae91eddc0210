// signatures.ts — what datagrams of a fuzz run are signed with: the real code, or one that costs nothing.
import { createHmac } from "node:crypto";
import type { Sign } from "@lbpair/heartbeat";

export const hmacSign = (key: Uint8Array): Sign => {
  return (bytes) => createHmac("sha256", key).update(bytes).digest();
};

/**
 * Two FNV-1a hashes under a key, spread over 32 bytes. No secret is safe behind it, but any change of
 * the bytes changes it; it leaves the time of a long run to what is being tested.
 */
export const cheapSign = (key: number): Sign => {
  return (bytes) => {
    let a = 0x811c_9dc5 ^ key;
    let b = 0x1000_193 ^ Math.imul(key, 0x9e37_79b1);
    for (let i = 0; i < bytes.length; i += 1) {
      const byte = bytes[i] ?? 0;
      a = Math.imul(a ^ byte, 0x0100_0193);
      b = Math.imul(b ^ byte, 0x0100_0193) ^ (a >>> 15);
    }
    const mac = new Uint8Array(32);
    for (let i = 0; i < 32; i += 4) {
      a = Math.imul(a ^ (a >>> 13), 0x5bd1_e995) ^ b;
      mac[i] = a;
      mac[i + 1] = a >>> 8;
      mac[i + 2] = a >>> 16;
      mac[i + 3] = a >>> 24;
    }
    return mac;
  };
};
