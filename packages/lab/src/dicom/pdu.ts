// pdu.ts — the few DICOM messages that an open association needs (PS3.8 section 9.3, PS3.7 section 9.3.5).

export const PDU = {
  associateRequest: 0x01,
  associateAccept: 0x02,
  data: 0x04,
  releaseRequest: 0x05,
  releaseReply: 0x06,
} as const;

const VERIFICATION = "1.2.840.10008.1.1";
const APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1";
const IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2";
const IMPLEMENTATION = "1.2.826.0.1.3680043.10.6694.1";
const PDU_BYTES_MAX = 16_384;
const CONTEXT_ID = 1;
const C_ECHO_REQUEST = 0x0030;
const C_ECHO_REPLY = 0x8030;
const NO_DATA_SET = 0x0101;

function item(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(content.length, 2);
  return Buffer.concat([head, content]);
}

function pdu(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt8(type, 0);
  head.writeUInt32BE(content.length, 2);
  return Buffer.concat([head, content]);
}

const title = (name: string): Buffer => Buffer.from(name.padEnd(16).slice(0, 16), "latin1");

/** Asks for an association with the Verification service. */
export function associateRequest(calling: string, called: string): Buffer {
  const maximum = Buffer.alloc(4);
  maximum.writeUInt32BE(PDU_BYTES_MAX);
  const context = Buffer.concat([
    Buffer.from([CONTEXT_ID, 0, 0, 0]),
    item(0x30, Buffer.from(VERIFICATION)),
    item(0x40, Buffer.from(IMPLICIT_LITTLE_ENDIAN)),
  ]);
  const user = Buffer.concat([item(0x51, maximum), item(0x52, Buffer.from(IMPLEMENTATION))]);
  return pdu(
    PDU.associateRequest,
    Buffer.concat([
      Buffer.from([0, 1, 0, 0]),
      title(called),
      title(calling),
      Buffer.alloc(32),
      item(0x10, Buffer.from(APPLICATION_CONTEXT)),
      item(0x20, context),
      item(0x50, user),
    ]),
  );
}

export const releaseRequest = (): Buffer => pdu(PDU.releaseRequest, Buffer.alloc(4));

/** An element of a command set: implicit VR, little endian. */
function element(number: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(0, 0);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}

const short = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};

/** C-ECHO: is the application at the other end of this association alive? */
export function echoRequest(messageId: number): Buffer {
  // A UID is padded to an even length with a NUL.
  const sopClass = Buffer.from(`${VERIFICATION}${VERIFICATION.length % 2 === 1 ? "\0" : ""}`);
  const elements = Buffer.concat([
    element(0x0002, sopClass),
    element(0x0100, short(C_ECHO_REQUEST)),
    element(0x0110, short(messageId)),
    element(0x0800, short(NO_DATA_SET)),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.length);
  const command = Buffer.concat([element(0x0000, length), elements]);
  const value = Buffer.alloc(6);
  value.writeUInt32BE(command.length + 2, 0);
  value.writeUInt8(CONTEXT_ID, 4);
  // Command, last fragment.
  value.writeUInt8(0x03, 5);
  return pdu(PDU.data, Buffer.concat([value, command]));
}

/** Complete messages at the start of a stream, and the bytes that remain. */
export function splitPdus(stream: Buffer): {
  readonly pdus: { readonly type: number; readonly content: Buffer }[];
  readonly rest: Buffer;
} {
  const pdus: { type: number; content: Buffer }[] = [];
  let rest = stream;
  while (rest.length >= 6) {
    const end = 6 + rest.readUInt32BE(2);
    if (rest.length < end) break;
    pdus.push({ type: rest.readUInt8(0), content: rest.subarray(6, end) });
    rest = rest.subarray(end);
  }
  return { pdus, rest };
}

/** Status of a C-ECHO reply, 0 = success; undefined where the message is none. */
export function echoStatus(content: Buffer): number | undefined {
  let at = 6;
  let command: number | undefined;
  let status: number | undefined;
  while (at + 8 <= content.length) {
    const number = content.readUInt16LE(at + 2);
    const length = content.readUInt32LE(at + 4);
    if (at + 8 + length > content.length) break;
    if (number === 0x0100 && length === 2) command = content.readUInt16LE(at + 8);
    if (number === 0x0900 && length === 2) status = content.readUInt16LE(at + 8);
    at += 8 + length;
  }
  return command === C_ECHO_REPLY ? status : undefined;
}
