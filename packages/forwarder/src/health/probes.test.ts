import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import type { CheckConfig } from "@lbpair/common";
import { connectProbe, describeFailures } from "./connect-probe.js";
import { HTTP_BODY_BYTES_MAX, httpProbe } from "./http-probe.js";
import { simpleProbe } from "./probe.js";
import { sourceFor } from "./question.js";
import {
  closedPort,
  contextOf,
  listenOn,
  ownCertificate,
  silentPort,
  singlePorts,
  targetFor,
  times,
} from "./testing.js";

const connect = (timeoutMs = 1000): CheckConfig => ({ type: "connect", ...times(timeoutMs) });
test("connect passes only when every port accepts, and names those that do not", async (t) => {
  const [a, b, closed] = [await listenOn(t), await listenOn(t), await closedPort()];
  const check = async (...ports: number[]) =>
    connectProbe(targetFor(connect(), { vports: singlePorts(...ports) }), contextOf()).result;
  const two = { total: 2, closed: [] };
  assert.deepEqual(await check(a, b), {
    passed: true,
    reason: "all 2 ports accept",
    ports: two,
  });
  assert.equal((await check(a)).reason, `port ${a} accepts`);
  for (const order of [
    [closed, a, b],
    [a, closed, b],
    [a, b, closed],
  ]) {
    const { passed, reason, ports } = await check(...order);
    assert.deepEqual([passed, reason], [false, `closed: ${closed} refused`]);
    assert.deepEqual(ports, { total: 3, closed: [{ port: closed, what: "refused" }] });
  }
});

test("H1 connect: of several ports all, any or as many as are needed have to accept", async (t) => {
  const open = [await listenOn(t), await listenOn(t)];
  const closed = [await closedPort(), await closedPort()];
  const check = (needed: "all" | "any" | number, ports: readonly number[]) => {
    const vports = singlePorts(...ports);
    return connectProbe(
      targetFor({ type: "connect", ...times(1000), needed }, { vports }),
      contextOf(),
    ).result;
  };
  const four = [...open, ...closed];
  for (const [needed, ports, passes] of [
    ["any", four, true],
    ["any", closed, false],
    [2, four, true],
    [3, four, false],
    ["all", four, false],
    ["all", open, true],
  ] as const) {
    const { passed, reason } = await check(needed, ports);
    t.diagnostic(`${needed} of ${ports.length}: ${passed}: ${reason}`);
    assert.equal(passed, passes);
  }
});

test("connect asks the server's own port where it has one", async (t) => {
  const port = await listenOn(t);
  const target = targetFor(connect(), { vports: singlePorts(await closedPort()), port });
  assert.equal((await connectProbe(target, contextOf()).result).passed, true);
});

test("connect tries ports at the same time: silent ones take one timeout and are named", async (t) => {
  const silent = [await silentPort(t), await silentPort(t), await silentPort(t)].sort(
    (a, b) => a - b,
  );
  const open = await listenOn(t);
  const target = targetFor(connect(600), { vports: singlePorts(...silent, open) });
  const started = performance.now();
  const result = await connectProbe(target, contextOf()).result;
  const tookMs = performance.now() - started;
  t.diagnostic(`${result.reason} (${Math.round(tookMs)} ms)`);
  const reason = `closed: ${silent.join(" ")} no answer within 600 ms`;
  const { ports, ...rest } = result;
  assert.deepEqual(rest, { passed: false, reason, timedOut: true });
  assert.deepEqual(
    ports?.closed.map(({ port }) => port),
    silent,
  );
  assert(tookMs >= 599 && tookMs < 1700, `${tookMs} ms`);
});

test("connect ends at once when its check is ended", async (t) => {
  const target = targetFor(connect(20_000), { vports: singlePorts(await silentPort(t)) });
  const abort = new AbortController();
  const run = connectProbe(target, contextOf(abort.signal));
  const started = performance.now();
  setTimeout(() => abort.abort(), 50);
  assert.equal((await run.result).passed, false);
  assert(performance.now() - started < 1000);
});

test("connect to more ports than may be tried at once still ends in time and finds the closed one", async (t) => {
  const target = targetFor(connect(3000), { vports: [{ first: 20_000, last: 20_999 }] });
  const started = performance.now();
  const { passed, reason } = await connectProbe(target, contextOf()).result;
  t.diagnostic(`${reason} (${Math.round(performance.now() - started)} ms)`);
  assert.equal(passed, false);
  assert.match(reason, /and \d+ more refused/);
});

test("closed ports are listed by what happened, and bounded", () => {
  const failures = new Map([
    [12301, "refused"],
    [12800, "no answer"],
    [12300, "refused"],
  ]);
  assert.equal(describeFailures(failures), "12300 12301 refused, 12800 no answer");
  const many = new Map(Array.from({ length: 20 }, (_, i) => [i + 1, "refused"]));
  assert.match(describeFailures(many), /^1 2 .* 16 and 4 more refused$/);
});

const http = (changes: Partial<Extract<CheckConfig, { type: "http" }>> = {}): CheckConfig => ({
  type: "http",
  path: "/",
  status: { first: 200, last: 200 },
  method: "GET",
  tls: false,
  ...times(500),
  ...changes,
});

async function serve(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const bound = server.address();
  assert(bound !== null && typeof bound === "object");
  return bound.port;
}

async function ask(port: number, changes: Parameters<typeof http>[0] = {}) {
  const target = targetFor(http(changes), { vports: singlePorts(port) });
  return httpProbe(target, contextOf()).result;
}

test("http wants the status and the text it is told", async (t) => {
  const port = await serve(t, (request, response) => {
    response.statusCode = request.url === "/away" ? 503 : 200;
    response.end("archive ready");
  });
  assert.deepEqual(await ask(port), { passed: true, reason: "status 200" });
  assert.deepEqual(await ask(port, { path: "/away" }), {
    passed: false,
    reason: "status 503, want 200",
  });
  assert.equal(
    (await ask(port, { path: "/away", status: { first: 503, last: 503 } })).passed,
    true,
  );
  assert.equal((await ask(port, { text: "ready" })).passed, true);
  const other = await ask(port, { text: "rea\ndy" });
  assert.deepEqual(
    [other.passed, other.reason],
    [false, 'status 200, but "rea\\ndy" is not in its body'],
  );
});

test("http asks the check's port before the service's", async (t) => {
  const port = await serve(t, (_, response) => response.end());
  assert.equal((await ask(await closedPort(), { port })).passed, true);
});

test("http gives up on silence, endless bodies, floods and servers that speak something else", async (t) => {
  const silent = await serve(t, () => undefined);
  const late = await ask(silent);
  assert.deepEqual(
    [late.passed, late.reason, late.timedOut],
    [false, "no answer within 500 ms", true],
  );
  const drip = await serve(t, (_, response) => {
    const timer = setInterval(() => response.write("."), 20);
    response.on("close", () => clearInterval(timer));
  });
  assert.equal((await ask(drip, { text: "x" })).reason, "no answer within 500 ms");
  const flood = await serve(t, (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on("drain", more);
    more();
  });
  assert.match(
    (await ask(flood, { text: "x" })).reason,
    new RegExp(`first ${HTTP_BODY_BYTES_MAX} bytes`),
  );
  const dicom = createTcpServer((socket) =>
    socket.on("error", () => undefined).end("\u0002\0\0\0 no HTTP\r\n"),
  );
  await new Promise<void>((resolve) => dicom.listen(0, "127.0.0.1", resolve));
  t.after(() => dicom.close());
  const bound = dicom.address();
  assert(bound !== null && typeof bound === "object");
  const garbled = await ask(bound.port);
  t.diagnostic(garbled.reason);
  assert.equal(garbled.passed, false);
  assert.match((await ask(await closedPort())).reason, /refused/);
});

test("https is asked without verifying who answers", async (t) => {
  const certificate = await ownCertificate();
  const server = createTlsServer(certificate, (_, response) => {
    response.end("secure");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const bound = server.address();
  assert(bound !== null && typeof bound === "object");
  const result = await ask(bound.port, { tls: true, text: "secure" });
  assert.deepEqual(result, { passed: true, reason: "status 200, text found" });
  assert.equal((await ask(bound.port)).passed, false);
});

test("H1 http: method, host header, SNI, header, range of states and pattern are as configured", async (t) => {
  const seen: unknown[] = [];
  const certificate = await ownCertificate();
  const server = createTlsServer(certificate, (request, response) => {
    const { servername } = request.socket as TLSSocket;
    seen.push([request.method, request.headers.host, servername, request.socket.remoteAddress]);
    response.writeHead(201, { "X-Health": "fine, thanks", "Content-Type": "text/plain" });
    response.end("line one\nstate: ready\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const bound = server.address();
  assert(bound !== null && typeof bound === "object");
  const base = { tls: true, status: { first: 200, last: 299 }, ...times(2000) };
  const named = { ...base, host: "vna.example.org:8443", header: "X-Health", headerText: "fine" };
  const good = await ask(bound.port, { ...named, pattern: "state: (ready|busy)" });
  assert.deepEqual(good, { passed: true, reason: "status 201, pattern matches" });
  assert.equal((await ask(bound.port, { ...named, method: "HEAD", sni: "x.org" })).passed, true);
  assert.deepEqual(seen, [
    ["GET", "vna.example.org:8443", "vna.example.org", "127.0.0.1"],
    ["HEAD", "vna.example.org:8443", "x.org", "127.0.0.1"],
  ]);
  const reasons = [
    await ask(bound.port, { ...base, header: "X-Other" }),
    await ask(bound.port, { ...named, headerText: "ill" }),
    await ask(bound.port, { ...base, pattern: "state: down" }),
    await ask(bound.port, { ...base, status: { first: 300, last: 399 } }),
  ].map(({ reason }) => reason);
  assert.deepEqual(reasons, [
    "status 201, but has no header X-Other",
    'status 201, but its header X-Health is "fine, thanks", want "ill" in it',
    "status 201, but /state: down/ does not match its body",
    "status 201, want 300-399",
  ]);
});

test("of several sources a check takes the nearest to its server, and none of another family", () => {
  const sources = ["192.168.200.1", "192.168.100.1", "fd00::1", "10.0.0.1"];
  assert.equal(sourceFor(sources, "192.168.100.110"), "192.168.100.1");
  assert.equal(sourceFor(sources, "192.168.201.5"), "192.168.200.1");
  assert.equal(sourceFor(sources, "fd00::abc"), "fd00::1");
  assert.equal(sourceFor(["fd00::1"], "10.1.1.1"), undefined);
  assert.equal(sourceFor([], "10.1.1.1"), undefined);
});

test("a check that breaks is a failed check, never a broken daemon", async () => {
  const broken = simpleProbe(() => Promise.reject(new Error("boom")));
  const run = broken(targetFor(connect()), contextOf());
  assert.deepEqual(await run.result, { passed: false, reason: "check failed: Error: boom" });
  await run.ended;
});
