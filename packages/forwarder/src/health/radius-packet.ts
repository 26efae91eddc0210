// radius-packet.ts — RADIUS's questions and its signed answers (RFC 2865, RFC 3579 section 3.2, RFC 5997).
//
//   code 1, identifier 1, length 2, authenticator 16, attributes: type 1, length 1, value
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

export const CODE = {
  accessRequest: 1,
  accessAccept: 2,
  accessReject: 3,
  accountingResponse: 5,
  accessChallenge: 11,
  statusServer: 12,
} as const;

const ATTRIBUTE = { userName: 1, userPassword: 2, nasIdentifier: 32, messageAuthenticator: 80 };
const HEAD_BYTES = 20;
const LENGTH_MAX = 4096;
const DIGEST_BYTES = 16;
const AUTHENTICATOR_AT = 4;
/** It is the first attribute, so that nobody can put anything before it (CVE-2024-3596). */
const SIGNATURE_AT = HEAD_BYTES + 2;

export interface RadiusQuestion {
  readonly secret: string;
  readonly nasIdentifier: string;
  /** Absent = how is the server itself. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly identifier: number;
  /** 16 bytes of chance. */
  readonly authenticator: Buffer;
}

const md5 = (...parts: readonly Buffer[]): Buffer =>
  createHash("md5").update(Buffer.concat(parts)).digest();
const sign = (secret: string, packet: Buffer): Buffer =>
  createHmac("md5", secret).update(packet).digest();

function attribute(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length + 2]), value]);
}

/** RFC 2865 section 5.2: each 16 bytes are hidden by a hash of the secret and the 16 before. */
function hidePassword(password: string, secret: string, authenticator: Buffer): Buffer {
  const plain = Buffer.from(password);
  const blocks = Math.max(1, Math.ceil(plain.length / DIGEST_BYTES));
  const padded = Buffer.alloc(blocks * DIGEST_BYTES);
  padded.set(plain);
  let before = authenticator;
  for (let at = 0; at < padded.length; at += DIGEST_BYTES) {
    const key = md5(Buffer.from(secret), before);
    for (let i = 0; i < DIGEST_BYTES; i += 1) {
      padded.writeUInt8(padded.readUInt8(at + i) ^ key.readUInt8(i), at + i);
    }
    before = padded.subarray(at, at + DIGEST_BYTES);
  }
  return padded;
}

/** Access-Request with a password, or Status-Server; both signed. */
export function radiusRequest(question: RadiusQuestion): Buffer {
  const { secret, user, password = "", authenticator } = question;
  const login =
    user === undefined
      ? []
      : [
          attribute(ATTRIBUTE.userName, Buffer.from(user)),
          attribute(ATTRIBUTE.userPassword, hidePassword(password, secret, authenticator)),
        ];
  const packet = Buffer.concat([
    Buffer.alloc(4),
    authenticator,
    attribute(ATTRIBUTE.messageAuthenticator, Buffer.alloc(DIGEST_BYTES)),
    ...login,
    attribute(ATTRIBUTE.nasIdentifier, Buffer.from(question.nasIdentifier)),
  ]);
  packet.writeUInt8(user === undefined ? CODE.statusServer : CODE.accessRequest, 0);
  packet.writeUInt8(question.identifier, 1);
  packet.writeUInt16BE(packet.length, 2);
  packet.set(sign(secret, packet), SIGNATURE_AT);
  return packet;
}

/** Where an answer's own signature is; undefined = it has none, "wrong" = its attributes are broken. */
function signaturePlace(packet: Buffer): number | "wrong" | undefined {
  let place: number | undefined;
  let at = HEAD_BYTES;
  while (at < packet.length) {
    const length = at + 1 < packet.length ? packet.readUInt8(at + 1) : 0;
    if (length < 2 || at + length > packet.length) return "wrong";
    if (packet.readUInt8(at) === ATTRIBUTE.messageAuthenticator) {
      if (length !== DIGEST_BYTES + 2) return "wrong";
      place = at + 2;
    }
    at += length;
  }
  return place;
}

/** The code of a true answer to this question; else why it is none. */
export function readRadiusAnswer(
  datagram: Buffer,
  question: RadiusQuestion,
): { readonly code: number } | { readonly wrong: string } {
  const length = datagram.length < HEAD_BYTES ? 0 : datagram.readUInt16BE(2);
  if (length < HEAD_BYTES || length > LENGTH_MAX || length > datagram.length) {
    return { wrong: "something that is no RADIUS" };
  }
  const packet = Buffer.from(datagram.subarray(0, length));
  if (packet.readUInt8(1) !== question.identifier) return { wrong: "an answer to something else" };
  const { secret, authenticator } = question;
  const said = Buffer.from(packet.subarray(AUTHENTICATOR_AT, HEAD_BYTES));
  packet.set(authenticator, AUTHENTICATOR_AT);
  const wrongSecret = { wrong: "an answer signed with another secret" };
  if (!timingSafeEqual(md5(packet, Buffer.from(secret)), said)) return wrongSecret;
  const place = signaturePlace(packet);
  if (place === "wrong") return { wrong: "broken attributes" };
  if (place !== undefined) {
    const signature = Buffer.from(packet.subarray(place, place + DIGEST_BYTES));
    packet.fill(0, place, place + DIGEST_BYTES);
    if (!timingSafeEqual(sign(secret, packet), signature)) return wrongSecret;
  }
  return { code: packet.readUInt8(0) };
}
