import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { RefusalError } from "@lbpair/common";
import { decodeFrame, encodeFrame } from "./core/frame.js";
import { openReceiveSocket, type ReceiveSocket } from "./receive-socket.js";

let folder: string;
let server: ReceiveSocket;
const handled: string[] = [];
const refused: string[] = [];
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "rep-socket-"));
  server = await openReceiveSocket({
    path: join(folder, "receive.sock"),
    group: process.getgid?.() ?? 0,
    handle: async (verb, argument) => {
      handled.push(verb);
      if (verb === "abort") throw new RefusalError(409, "not now");
      return { verb, argument };
    },
    onRefused: (why) => refused.push(why),
  });
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Says some bytes, hangs up the sending half, and returns the answer: [ok, body]. */
function say(...parts: (string | Uint8Array)[]): Promise<[unknown, Record<string, unknown>]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: join(folder, "receive.sock"), allowHalfOpen: true });
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("end", () => {
      socket.end();
      const decoded = decodeFrame(Buffer.concat(chunks), "answer");
      if (decoded.state !== "whole") return reject(new Error(`answer: ${decoded.state}`));
      const { header, body } = decoded.frame;
      resolve([(header as { ok: unknown }).ok, JSON.parse(Buffer.from(body).toString("utf8"))]);
    });
    for (const part of parts) socket.write(part);
    socket.end();
  });
}
const request = (verb: string, argument: unknown = {}) =>
  encodeFrame("request", { verb, argument });

test("a request is handled once and answered; a refusal keeps its words", async () => {
  assert.deepEqual(await say("hello\n", request("hello", 5)), [
    true,
    { verb: "hello", argument: 5 },
  ]);
  const [ok, body] = await say("abort\n", request("abort"));
  assert.equal(ok, false);
  assert.equal(body.error, "not now");
});

test("other words, two words that disagree, half frames and noise are refused unhandled", async () => {
  const before = handled.length;
  const half = request("hello").subarray(0, 20);
  const cases: [string, (string | Uint8Array)[]][] = [
    ["an unknown word", ["reboot\n", request("reboot")]],
    ["words that disagree", ["hello\n", request("commit")]],
    ["a half frame", ["hello\n", half]],
    ["noise", ["hello\n", "GET / HTTP/1.1\r\n\r\n"]],
    ["a line without end", ["x".repeat(100)]],
    ["a header of another kind", ["hello\n", encodeFrame("request", [1])]],
    ["nothing", []],
  ];
  for (const [what, parts] of cases) {
    const [ok, body] = await say(...parts);
    assert.equal(ok, false, what);
    console.log(`${what}: ${body.error}`);
  }
  assert.equal(handled.length, before);
  assert.ok(refused.length >= 5);
});

test("only the owner and the group may connect", () => {
  assert.equal(statSync(join(folder, "receive.sock")).mode & 0o777, 0o660);
});
