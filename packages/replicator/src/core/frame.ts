// frame.ts — one request or one answer on the wire between the nodes, with a bound on every length.
//
//   offset size what
//   0      4    "LBPR"
//   4      1    version of the protocol
//   5      1    1 = request, 2 = answer
//   6      4    H, bytes of the header, big endian
//   10     4    B, bytes of the body, big endian
//   14     H    header: JSON in UTF-8
//   14+H   B    body: a request's files in the order its header names them, or an answer's JSON
import { PROTOCOL_VERSION } from "./verbs.js";

export const FRAME_PREFIX_BYTES = 14;
export const FRAME_HEADER_BYTES_MAX = 512 * 1024;
export const FRAME_BODY_BYTES_MAX = 24 * 1024 * 1024;
export const FRAME_BYTES_MAX = FRAME_PREFIX_BYTES + FRAME_HEADER_BYTES_MAX + FRAME_BODY_BYTES_MAX;

const MAGIC = [0x4c, 0x42, 0x50, 0x52] as const;

export type FrameKind = "request" | "answer";
const KIND_BYTE: Readonly<Record<FrameKind, number>> = { request: 1, answer: 2 };

export interface Frame {
  readonly kind: FrameKind;
  /** Parsed JSON, not judged yet. */
  readonly header: unknown;
  readonly body: Uint8Array;
}

export type Decoded =
  | { readonly state: "more" }
  | { readonly state: "whole"; readonly frame: Frame }
  | { readonly state: "bad"; readonly want: string; readonly got: string };

const EMPTY = new Uint8Array(0);

/** The bytes of a frame. Throws RangeError where a length is over its bound: our own mistake. */
export function encodeFrame(
  kind: FrameKind,
  header: unknown,
  body: Uint8Array = EMPTY,
): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  if (text.length > FRAME_HEADER_BYTES_MAX || body.length > FRAME_BODY_BYTES_MAX) {
    throw new RangeError(`frame: header ${text.length} and body ${body.length} bytes are too many`);
  }
  const bytes = new Uint8Array(FRAME_PREFIX_BYTES + text.length + body.length);
  bytes.set([...MAGIC, PROTOCOL_VERSION, KIND_BYTE[kind]], 0);
  const view = new DataView(bytes.buffer);
  view.setUint32(6, text.length);
  view.setUint32(10, body.length);
  bytes.set(text, FRAME_PREFIX_BYTES);
  bytes.set(body, FRAME_PREFIX_BYTES + text.length);
  return bytes;
}

const bad = (want: string, got: string): Decoded => ({ state: "bad", want, got });

function judgePrefix(bytes: Uint8Array, expected: FrameKind): Decoded | undefined {
  const known = Math.min(bytes.length, MAGIC.length);
  for (let i = 0; i < known; i += 1) {
    if (bytes[i] !== MAGIC[i]) return bad("a frame that begins with LBPR", "other bytes");
  }
  const version = bytes[4];
  if (version !== undefined && version !== PROTOCOL_VERSION) {
    return bad(`protocol version ${PROTOCOL_VERSION}`, `version ${version}`);
  }
  const kind = bytes[5];
  if (kind !== undefined && kind !== KIND_BYTE[expected])
    return bad(`a ${expected}`, `kind ${kind}`);
  return undefined;
}

/**
 * Judges the bytes that have come so far, as early as they allow: too long a frame is refused from
 * its first 14 bytes, before anybody keeps the rest.
 */
export function decodeFrame(bytes: Uint8Array, expected: FrameKind): Decoded {
  const early = judgePrefix(bytes, expected);
  if (early !== undefined) return early;
  if (bytes.length < FRAME_PREFIX_BYTES) return { state: "more" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getUint32(6);
  const bodyBytes = view.getUint32(10);
  if (headerBytes > FRAME_HEADER_BYTES_MAX) {
    return bad(`a header of at most ${FRAME_HEADER_BYTES_MAX} bytes`, `${headerBytes}`);
  }
  if (bodyBytes > FRAME_BODY_BYTES_MAX) {
    return bad(`a body of at most ${FRAME_BODY_BYTES_MAX} bytes`, `${bodyBytes}`);
  }
  const bodyAt = FRAME_PREFIX_BYTES + headerBytes;
  const total = bodyAt + bodyBytes;
  if (bytes.length < total) return { state: "more" };
  if (bytes.length > total) return bad("one frame", `${bytes.length - total} bytes behind it`);
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const header = JSON.parse(
      decoder.decode(bytes.subarray(FRAME_PREFIX_BYTES, bodyAt)),
    ) as unknown;
    return { state: "whole", frame: { kind: expected, header, body: bytes.subarray(bodyAt) } };
  } catch {
    return bad("a header of JSON in UTF-8", "other bytes");
  }
}

export interface FrameReader {
  /** Takes the next bytes; joins them only once the frame is whole, so a long one costs no more. */
  add(chunk: Uint8Array): Decoded;
}

/** How many bytes the frame has, once the first 14 are there and lie within the bounds. */
function wholeLength(prefix: Uint8Array): number {
  if (prefix.length < FRAME_PREFIX_BYTES) return FRAME_PREFIX_BYTES;
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  return FRAME_PREFIX_BYTES + view.getUint32(6) + view.getUint32(10);
}

export function createFrameReader(expected: FrameKind): FrameReader {
  let chunks: Uint8Array[] = [];
  let length = 0;
  let needed = 1;
  return {
    add(chunk) {
      chunks.push(chunk);
      length += chunk.length;
      if (length < needed) return { state: "more" };
      const joined = new Uint8Array(length);
      let at = 0;
      for (const one of chunks) {
        joined.set(one, at);
        at += one.length;
      }
      chunks = [joined];
      const decoded = decodeFrame(joined, expected);
      if (decoded.state === "more") needed = wholeLength(joined);
      return decoded;
    },
  };
}
