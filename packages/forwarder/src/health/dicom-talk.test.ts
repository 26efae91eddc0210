// dicom-talk.test.ts — C-ECHO against dcmtk's storescp, and against servers that misbehave.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import type { CheckOf } from "@lbpair/common";
import fc from "fast-check";
import { abortRequest, associateRequest, echoStatus, PDU, readPdu } from "./dicom-pdu.js";
import { streamQuestion } from "./probes.js";
import { streamProbe } from "./stream-probe.js";
import {
  closedPort,
  contextOf,
  openFolder,
  serveStream,
  singlePorts,
  targetFor,
  times,
} from "./testing.js";

const probe = streamProbe(streamQuestion);

const dicom = (changes: Partial<CheckOf<"dicom">> = {}): CheckOf<"dicom"> => ({
  type: "dicom",
  calledAe: "VNA",
  callingAe: "LBPAIR",
  tls: false,
  ...times(5000),
  ...changes,
});

async function ask(port: number, changes: Partial<CheckOf<"dicom">> = {}) {
  const run = probe(targetFor(dicom(changes), { vports: singlePorts(port) }), contextOf());
  const result = await run.result;
  await run.ended;
  return result;
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

interface Storescp {
  readonly port: number;
  /** What it has logged. */
  log(): string;
}

/** dcmtk's own storage server, which answers C-ECHO. */
async function storescp(t: TestContext, ...more: readonly string[]): Promise<Storescp> {
  const folder = await openFolder(t);
  const port = await closedPort();
  const server = spawn("storescp", ["-d", "-od", folder, ...more, `${port}`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  const keep = (bytes: Buffer): void => {
    log += bytes.toString();
  };
  server.stdout.on("data", keep);
  server.stderr.on("data", keep);
  t.after(() => server.kill("SIGKILL"));
  for (let i = 0; i < 100 && !(await accepts(port)); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { port, log: () => log };
}

test("H1 dicom: dcmtk's storescp verifies, and sees an ordered release", async (t) => {
  const server = await storescp(t, "-aet", "VNA");
  const result = await ask(server.port);
  t.diagnostic(result.reason);
  assert.deepEqual(result, { passed: true, reason: "VNA verified" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const log = server.log();
  assert.match(log, /Calling Application Name: +LBPAIR/);
  assert.match(log, /Called Application Name: +VNA/);
  assert.match(log, /Received Echo Request/i);
  assert.match(log, /Association Release/i);
});

test("H1 dicom: storescp's refusal is a failure that says why", async (t) => {
  const { port } = await storescp(t, "--refuse");
  const { passed, reason } = await ask(port);
  t.diagnostic(reason);
  assert.equal(passed, false);
  assert.match(reason, /^want an association as VNA for LBPAIR, got refused/);
});

test("dicom: our association reads like echoscu's to the server that asks who calls", async () => {
  const bytes = associateRequest("LBPAIR", "VNA");
  const pdu = readPdu(bytes);
  assert.ok(pdu !== undefined && pdu !== "wrong");
  assert.equal(pdu.rest.length, 0);
  assert.equal(pdu.content.subarray(4, 20).toString(), "VNA".padEnd(16));
  assert.equal(pdu.content.subarray(20, 36).toString(), "LBPAIR".padEnd(16));
});

const message = (type: number, content: Buffer): Buffer => {
  const head = Buffer.from([type, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(content.length, 2);
  return Buffer.concat([head, content]);
};

test("dicom: every way a server can spoil it fails with its reason", async (t) => {
  const rejected = (result: number, source: number, reason: number): Buffer =>
    message(PDU.associateReject, Buffer.from([0, result, source, reason]));
  const accept = (answer: number): Buffer =>
    message(
      PDU.associateAccept,
      Buffer.concat([Buffer.alloc(68), Buffer.from([0x21, 0, 0, 4, 1, 0, answer, 0])]),
    );
  const cases: readonly (readonly [string, readonly Buffer[], RegExp])[] = [
    ["unknown called", [rejected(1, 1, 7)], /refused: called AE title not recognized/],
    ["unknown caller", [rejected(1, 1, 3)], /refused: calling AE title not recognized/],
    ["busy", [rejected(2, 3, 1)], /refused for now: temporary congestion/],
    ["abort", [abortRequest()], /got an abort/],
    ["no context", [accept(3)], /want the Verification service, got abstract syntax not supp/],
    ["not DICOM", [Buffer.from("HTTP/1.1 400 Bad Request\r\n")], /got "HTTP\/1.1 400/],
    ["endless", [Buffer.from([2, 0, 0xff, 0xff, 0xff, 0xff])], /got "\\u0002/],
    ["no echo", [accept(0), abortRequest()], /want an answer to C-ECHO, got an abort/],
    ["strange", [accept(0), message(PDU.data, Buffer.alloc(8))], /got another message/],
  ];
  for (const [name, answers, told] of cases) {
    const port = await serveStream(t, (socket) => {
      const left = [...answers];
      socket.on("data", () => {
        const next = left.shift();
        if (next !== undefined) socket.write(next);
      });
    });
    const { passed, reason } = await ask(port);
    t.diagnostic(`${name}: ${reason}`);
    assert.equal(passed, false, name);
    assert.match(reason, told, name);
  }
});

test("dicom: silence after the connection is a timeout that says what was waited for", async (t) => {
  const port = await serveStream(t, () => undefined);
  const result = await ask(port, { timeout: times(200).timeout });
  t.diagnostic(result.reason);
  assert.equal(result.timedOut, true);
  assert.match(result.reason, /^want an association as VNA for LBPAIR within 200 ms, got nothing$/);
});

test("dicom: an answer cut into any pieces reads the same; no bytes at all break the reader", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      echoStatus(buffer, 1);
      const pdu = readPdu(buffer);
      if (pdu !== undefined && pdu !== "wrong") {
        for (let cut = 0; cut < 6 + pdu.content.length; cut += 1) {
          assert.ok(readPdu(buffer.subarray(0, cut)) === undefined);
        }
      }
    }),
  );
});
