// radius-probe.test.ts — RFC 2865's own example, a server played here, and what is no true answer.
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { createSocket } from "node:dgram";
import { type TestContext, test } from "node:test";
import type { CheckOf } from "@lbpair/common";
import fc from "fast-check";
import { CODE, radiusRequest, readRadiusAnswer } from "./radius-packet.js";
import { radiusProbe } from "./radius-probe.js";
import { closedPort, contextOf, singlePorts, targetFor, times } from "./testing.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** RFC 2865 section 7.1. */
const NEMO = {
  secret: "xyzzy5461",
  user: "nemo",
  password: "arctangent",
  nasIdentifier: "lbpair",
  identifier: 0,
  authenticator: hex("0f403f9473978057bd83d5cb98f4227a"),
};

test("RFC 2865's example: the password is hidden and the answer accepted as it stands there", () => {
  const packet = radiusRequest(NEMO);
  assert.ok(packet.includes(hex("0dbe708d93d413ce3196e43f782a0aee")));
  assert.equal(packet.readUInt8(0), CODE.accessRequest);
  const accept = hex(
    "02 00 00 26 86fe220e7624ba2a1005f6bf9b55e0b2 06 06 00000001 0f 06 00000000 0e 06 c0a80103",
  );
  assert.deepEqual(readRadiusAnswer(accept, NEMO), { code: CODE.accessAccept });
  const forged = Buffer.from(accept);
  forged.writeUInt8(CODE.accessReject, 0);
  assert.deepEqual(readRadiusAnswer(forged, NEMO), {
    wrong: "an answer signed with another secret",
  });
  assert.deepEqual(readRadiusAnswer(accept, { ...NEMO, identifier: 1 }), {
    wrong: "an answer to something else",
  });
});

test("a password longer than a block is hidden block by block", () => {
  const packet = radiusRequest({ ...NEMO, password: "p".repeat(17) });
  const at = packet.indexOf(Buffer.from([1, 6])) + 6;
  assert.deepEqual([...packet.subarray(at, at + 2)], [2, 34]);
});

interface Played {
  readonly port: number;
  readonly asked: Buffer[];
}

/** A server that answers with `code`, signed with `secret`, from the `after`th question on. */
async function server(
  t: TestContext,
  facts: { readonly code: number; readonly secret: string; readonly after?: number },
): Promise<Played> {
  const socket = createSocket("udp4");
  const asked: Buffer[] = [];
  socket.on("message", (request, from) => {
    asked.push(request);
    if (asked.length < (facts.after ?? 1)) return;
    const answer = Buffer.concat([
      Buffer.from([facts.code, request.readUInt8(1), 0, 38]),
      request.subarray(4, 20),
      Buffer.from([80, 18]),
      Buffer.alloc(16),
    ]);
    answer.set(createHmac("md5", facts.secret).update(answer).digest(), 22);
    const signed = createHash("md5").update(answer).update(facts.secret).digest();
    answer.set(signed, 4);
    socket.send(Buffer.from("noise"), from.port, from.address);
    socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  t.after(() => socket.close());
  return { port: socket.address().port, asked };
}

const radius = (changes: Partial<CheckOf<"radius">> = {}): CheckOf<"radius"> => ({
  type: "radius",
  secret: "shared",
  accept: "accept",
  nasIdentifier: "lbpair",
  ...times(600),
  ...changes,
});

const ask = (port: number, changes: Partial<CheckOf<"radius">> = {}, source?: string) =>
  radiusProbe(targetFor(radius(changes), { vports: singlePorts(port) }), {
    ...contextOf(),
    source,
  }).result;

test("H1 radius: a status or a log in is accepted; a rejection only where any answer passes", async (t) => {
  const login = { user: "lbpair", password: "x" };
  const good = await server(t, { code: CODE.accessAccept, secret: "shared" });
  assert.deepEqual(await ask(good.port), { passed: true, reason: "Access-Accept" });
  assert.equal(good.asked[0]?.readUInt8(0), CODE.statusServer);
  assert.equal((await ask(good.port, login, "127.0.0.8")).passed, true);
  assert.equal(good.asked[1]?.readUInt8(0), CODE.accessRequest);
  const bad = await server(t, { code: CODE.accessReject, secret: "shared" });
  assert.deepEqual(await ask(bad.port, login), {
    passed: false,
    reason: "want Access-Accept, got Access-Reject",
  });
  assert.equal((await ask(bad.port, { ...login, accept: "any" })).passed, true);
});

test("radius: a lost datagram is asked again; another secret, silence and a closed port are told", async (t) => {
  const slow = await server(t, { code: CODE.accessAccept, secret: "shared", after: 3 });
  assert.equal((await ask(slow.port)).passed, true);
  assert.equal(new Set(slow.asked.map((packet) => packet.toString("hex"))).size, 1);
  const other = await server(t, { code: CODE.accessAccept, secret: "other" });
  const wrong = await ask(other.port);
  assert.equal(
    wrong.reason,
    "want an answer within 600 ms, got an answer signed with another secret",
  );
  const silent = await server(t, { code: CODE.accessAccept, secret: "shared", after: 99 });
  assert.equal((await ask(silent.port)).reason, "want an answer within 600 ms, got nothing");
  const closed = await ask(await closedPort());
  assert.equal(closed.reason, "want an answer, got refused");
});

test("radius: no datagram whatsoever breaks the reader or passes for an answer", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.ok("wrong" in readRadiusAnswer(Buffer.from(bytes), NEMO));
    }),
  );
});
