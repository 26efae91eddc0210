// own-trouble.test.ts — a node that can open no more sockets accuses no server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runCommand } from "@lbpair/common";
import { serveStream } from "./testing.js";

/** Runs with few file descriptors, uses them up, and asks by every kind of check that opens a socket. */
const PROGRAM = (port: number, here: string): string => `
  const { connectProbe } = await import("${here}/connect-probe.js");
  const { httpProbe } = await import("${here}/http-probe.js");
  const { streamQuestion } = await import("${here}/probes.js");
  const { streamProbe } = await import("${here}/stream-probe.js");
  const { openSync } = await import("node:fs");
  const asks = [
    [connectProbe, { type: "connect" }],
    [httpProbe, { type: "http", method: "GET", path: "/", status: { first: 200, last: 200 } }],
    [streamProbe(streamQuestion), { type: "tcp", tls: false }],
  ];
  // Opened when it is first used, for which there would be no room.
  process.stdout.write("");
  try { for (;;) openSync("/dev/null"); } catch {}
  for (const [probe, check] of asks) {
    const target = {
      id: "VNA/a", address: "127.0.0.1", port: ${port}, protocol: "tcp",
      vports: [{ first: ${port}, last: ${port} }], check: { ...check, timeout: 2000 },
    };
    const result = await probe(target, { signal: new AbortController().signal }).result;
    console.log(JSON.stringify({ ...result, type: check.type }));
  }
`;

test("connect, http and tcp checks without a free descriptor say that they did not ask", async (t) => {
  const port = await serveStream(t, (socket) => socket.end());
  const here = new URL(".", import.meta.url).href.replace(/\/$/, "");
  const node = [process.execPath, "--input-type=module", "-e", PROGRAM(port, here)];
  const { stdout, stderr } = await runCommand(["prlimit", "--nofile=500", ...node]);
  t.diagnostic(stdout);
  assert.notEqual(stdout, "", stderr);
  const results = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { notAsked?: boolean });
  assert.equal(results.length, 3, stderr);
  for (const result of results) assert.equal(result.notAsked, true, JSON.stringify(result));
});
