// dicom-pdu.ts — the bytes of an association and of C-ECHO (DICOM PS3.8 section 9.3, PS3.7 sections 6.3 and 9.3.5).
//
//   PDU      type 1, reserved 1, length 4 (big endian), content
//   item     type 1, reserved 1, length 2 (big endian), content
//   element  group 2, number 2, length 4 (little endian), value: commands are implicit VR little endian

export const PDU = {
  associateRequest: 0x01,
  associateAccept: 0x02,
  associateReject: 0x03,
  data: 0x04,
  releaseRequest: 0x05,
  releaseReply: 0x06,
  abort: 0x07,
} as const;

const VERIFICATION = "1.2.840.10008.1.1";
const APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1";
const IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2";
const IMPLEMENTATION = "1.2.826.0.1.3680043.10.6694.1";
/** The longest message we take; the answers we ask for have some hundred bytes. */
const LENGTH_MAX = 16_384;
const HEAD_BYTES = 6;
const CONTEXT_ID = 1;
const ITEM = {
  applicationContext: 0x10,
  presentationContext: 0x20,
  presentationAnswer: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
  maximumLength: 0x51,
  implementation: 0x52,
} as const;
const ELEMENT = { groupLength: 0, sopClass: 2, command: 0x100, messageId: 0x110, dataSet: 0x800 };
const STATUS = 0x900;
const C_ECHO_REQUEST = 0x0030;
const C_ECHO_REPLY = 0x8030;
const NO_DATA_SET = 0x0101;
/** A fragment's control header: a command, and the last fragment. */
const LAST_OF_COMMAND = 0x03;

export interface Pdu {
  readonly type: number;
  readonly content: Buffer;
  /** Behind it in the stream. */
  readonly rest: Buffer;
}

function item(type: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const head = Buffer.alloc(4);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(content.length, 2);
  return Buffer.concat([head, content]);
}

function pdu(type: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(type, 0);
  head.writeUInt32BE(content.length, 2);
  return Buffer.concat([head, content]);
}

const title = (name: string): Buffer => Buffer.from(name.padEnd(16), "latin1");

/** A-ASSOCIATE-RQ for the Verification service alone. */
export function associateRequest(calling: string, called: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(LENGTH_MAX);
  return pdu(
    PDU.associateRequest,
    // Protocol version 1.
    Buffer.from([0, 1, 0, 0]),
    title(called),
    title(calling),
    Buffer.alloc(32),
    item(ITEM.applicationContext, Buffer.from(APPLICATION_CONTEXT)),
    item(
      ITEM.presentationContext,
      Buffer.from([CONTEXT_ID, 0, 0, 0]),
      item(ITEM.abstractSyntax, Buffer.from(VERIFICATION)),
      item(ITEM.transferSyntax, Buffer.from(IMPLICIT_LITTLE_ENDIAN)),
    ),
    item(
      ITEM.userInformation,
      item(ITEM.maximumLength, length),
      item(ITEM.implementation, Buffer.from(IMPLEMENTATION)),
    ),
  );
}

export const releaseRequest = (): Buffer => pdu(PDU.releaseRequest, Buffer.alloc(4));

/** The service user ends it, without a reason. */
export const abortRequest = (): Buffer => pdu(PDU.abort, Buffer.alloc(4));

function element(number: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** C-ECHO-RQ: does the application at the other end of this association answer? */
export function echoRequest(messageId: number): Buffer {
  const elements = Buffer.concat([
    // A UID of odd length is padded with a NUL.
    element(ELEMENT.sopClass, Buffer.from(`${VERIFICATION}\0`)),
    element(ELEMENT.command, short(C_ECHO_REQUEST)),
    element(ELEMENT.messageId, short(messageId)),
    element(ELEMENT.dataSet, short(NO_DATA_SET)),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.length);
  const command = Buffer.concat([element(ELEMENT.groupLength, length), elements]);
  const head = Buffer.alloc(6);
  head.writeUInt32BE(command.length + 2, 0);
  head.writeUInt8(CONTEXT_ID, 4);
  head.writeUInt8(LAST_OF_COMMAND, 5);
  return pdu(PDU.data, head, command);
}

/** The first message of a stream; undefined = not whole yet, "wrong" = this is no DICOM. */
export function readPdu(stream: Buffer): Pdu | "wrong" | undefined {
  const [type, reserved] = stream;
  if (type === undefined) return undefined;
  if (type < PDU.associateRequest || type > PDU.abort) return "wrong";
  if (reserved !== undefined && reserved !== 0) return "wrong";
  if (stream.length < HEAD_BYTES) return undefined;
  const end = HEAD_BYTES + stream.readUInt32BE(2);
  if (end > HEAD_BYTES + LENGTH_MAX) return "wrong";
  if (stream.length < end) return undefined;
  return { type, content: stream.subarray(HEAD_BYTES, end), rest: stream.subarray(end) };
}

/** What an A-ASSOCIATE-AC says of our presentation context, 0 = accepted; undefined = nothing. */
export function contextAnswer(content: Buffer): number | undefined {
  // Version, reserved, both titles and 32 reserved bytes come before the items.
  for (let at = 68; at + 4 <= content.length; ) {
    const end = at + 4 + content.readUInt16BE(at + 2);
    if (end > content.length) return undefined;
    const ours = end >= at + 8 && content.readUInt8(at + 4) === CONTEXT_ID;
    if (content.readUInt8(at) === ITEM.presentationAnswer && ours) return content.readUInt8(at + 6);
    at = end;
  }
  return undefined;
}

/** Status of a C-ECHO-RSP to this message, 0 = success; undefined where the P-DATA-TF is none. */
export function echoStatus(content: Buffer, messageId: number): number | undefined {
  const fragments: Buffer[] = [];
  for (let at = 0; at + 6 <= content.length; ) {
    const end = at + 4 + content.readUInt32BE(at);
    if (end > content.length || end < at + 6) return undefined;
    fragments.push(content.subarray(at + 6, end));
    at = end;
  }
  const command = Buffer.concat(fragments);
  const found = new Map<number, number>();
  for (let at = 0; at + 8 <= command.length; ) {
    const length = command.readUInt32LE(at + 4);
    if (at + 8 + length > command.length) break;
    const group = command.readUInt16LE(at);
    if (group === 0 && length === 2) {
      found.set(command.readUInt16LE(at + 2), command.readUInt16LE(at + 8));
    }
    at += 8 + length;
  }
  // (0000,0120) is the message that is answered.
  const ours = found.get(ELEMENT.command) === C_ECHO_REPLY && found.get(0x120) === messageId;
  return ours ? found.get(STATUS) : undefined;
}
