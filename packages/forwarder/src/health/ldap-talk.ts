// ldap-talk.ts — a simple bind (RFC 4511 section 4.2), after StartTLS where that is wanted.
//
//   LDAPMessage   SEQUENCE { messageID INTEGER, one of
//   BindRequest     [APPLICATION 0]  { version INTEGER 3, name OCTET STRING, simple [0] }
//   BindResponse    [APPLICATION 1]  { resultCode ENUMERATED, matchedDN, diagnosticMessage }
//   UnbindRequest   [APPLICATION 2]  NULL
//   ExtendedRequest [APPLICATION 23] { requestName [0] }
//   ExtendedResponse[APPLICATION 24] as BindResponse }
import type { CheckOf } from "@lbpair/common";
import { fail, type Next, pass, type Turn, unexpected } from "./talk.js";

const TAG = {
  integer: 0x02,
  octets: 0x04,
  enumerated: 0x0a,
  sequence: 0x30,
  bindRequest: 0x60,
  bindResponse: 0x61,
  unbindRequest: 0x42,
  extendedRequest: 0x77,
  extendedResponse: 0x78,
  context0: 0x80,
} as const;
const START_TLS = "1.3.6.1.4.1.1466.20037";

/** RFC 4511 section 4.1.9: what a bind may answer. */
const RESULTS: Readonly<Record<number, string>> = {
  1: "operationsError",
  2: "protocolError",
  7: "authMethodNotSupported",
  8: "strongerAuthRequired",
  13: "confidentialityRequired",
  32: "noSuchObject",
  34: "invalidDNSyntax",
  48: "inappropriateAuthentication",
  49: "invalidCredentials",
  50: "insufficientAccessRights",
  51: "busy",
  52: "unavailable",
  53: "unwillingToPerform",
  80: "other",
};

/** One element in BER, the length in as many bytes as it needs. */
function element(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

const integer = (value: number): Buffer => element(TAG.integer, Buffer.from([value]));
const message = (id: number, operation: Buffer): Buffer =>
  element(TAG.sequence, integer(id), operation);

export const bindRequest = (id: number, dn: string, password: string): Buffer =>
  message(
    id,
    element(
      TAG.bindRequest,
      integer(3),
      element(TAG.octets, Buffer.from(dn)),
      element(TAG.context0, Buffer.from(password)),
    ),
  );

const startTlsRequest = (id: number): Buffer =>
  message(id, element(TAG.extendedRequest, element(TAG.context0, Buffer.from(START_TLS))));

const unbindRequest = (id: number): Buffer => message(id, element(TAG.unbindRequest));

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly rest: Buffer;
}

/** The first element; undefined where it is not whole, "wrong" where it can be none. */
function readElement(bytes: Buffer): Element | "wrong" | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) return undefined;
  let start = 2;
  let length = first;
  if (first >= 0x80) {
    const more = first & 0x7f;
    // No length at all is not LDAP's (RFC 4511 section 5.1), and nothing we ask for is that long.
    if (more === 0 || more > 4) return "wrong";
    if (bytes.length < 2 + more) return undefined;
    length = bytes.readUIntBE(2, more);
    start = 2 + more;
  }
  if (bytes.length < start + length) return undefined;
  const end = start + length;
  return { tag, content: bytes.subarray(start, end), rest: bytes.subarray(end) };
}

interface Response {
  readonly tag: number;
  readonly code: number;
  readonly diagnostic: string;
}

/** A result of any operation. */
export function readResponse(heard: Buffer, id: number): Response | "wrong" | undefined {
  if (heard.length > 0 && heard[0] !== TAG.sequence) return "wrong";
  const whole = readElement(heard);
  if (whole === undefined || whole === "wrong") return whole;
  const inner = (bytes: Buffer): Element | undefined => {
    const found = readElement(bytes);
    return found === "wrong" ? undefined : found;
  };
  const number = inner(whole.content);
  const operation = number && inner(number.rest);
  const code = operation && inner(operation.content);
  const matched = code && inner(code.rest);
  const diagnostic = matched && inner(matched.rest);
  if (number?.tag !== TAG.integer || code?.tag !== TAG.enumerated) return "wrong";
  if (operation === undefined || diagnostic === undefined) return "wrong";
  if (number.content.length > 4 || number.content.length === 0) return "wrong";
  if (code.content.length !== 1) return "wrong";
  if (number.content.readIntBE(0, number.content.length) !== id) return "wrong";
  const text = diagnostic.content.toString();
  return { tag: operation.tag, code: code.content.readUInt8(0), diagnostic: text };
}

function turn(
  wants: string,
  expected: { readonly id: number; readonly tag: number },
  begin: Pick<Turn, "say" | "secure">,
  then: () => Next,
): Turn {
  return {
    ...begin,
    wants,
    hear(heard) {
      const response = readResponse(heard, expected.id);
      if (response === undefined) return undefined;
      if (response === "wrong" || response.tag !== expected.tag) return unexpected(wants, heard);
      if (response.code === 0) return then();
      const said = response.diagnostic === "" ? "" : `: ${response.diagnostic}`;
      const name = RESULTS[response.code] ?? "result";
      return fail(`want ${wants}, got ${name} (${response.code})${said}`);
    },
  };
}

/** StartTLS where that is wanted, bind, unbind. */
export function ldapTalk(check: CheckOf<"ldap">): Turn {
  const { bindDn = "", password = "" } = check;
  const bound = bindDn === "" ? "bound anonymously" : `bound as ${bindDn}`;
  const bind = (secure: boolean): Turn =>
    turn(
      "a successful bind",
      { id: 2, tag: TAG.bindResponse },
      { say: bindRequest(2, bindDn, password), ...(secure ? { secure } : {}) },
      () => pass(bound, unbindRequest(3)),
    );
  if (!check.startTls) return bind(false);
  return turn(
    "leave to start TLS",
    { id: 1, tag: TAG.extendedResponse },
    { say: startTlsRequest(1) },
    () => bind(true),
  );
}
