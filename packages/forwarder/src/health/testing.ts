// testing.ts — what the tests of checks share: targets, scripts on disk, who is left running.

import { spawn } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type CheckConfig, millis, runCommand } from "@lbpair/common";
import type { ProbeContext } from "./probe.js";
import type { CheckTarget } from "./types.js";

export const times = (timeoutMs: number) => ({
  interval: millis(30_000),
  timeout: millis(timeoutMs),
  failures: 10,
  successes: 1,
});

export const targetFor = (check: CheckConfig, changes: Partial<CheckTarget> = {}): CheckTarget => ({
  id: "VNA/PrimaryCluster",
  service: "VNA",
  server: "PrimaryCluster",
  vip: "192.168.200.100",
  vports: [{ first: 12000, last: 12001 }],
  address: "127.0.0.1",
  protocol: "tcp",
  check,
  ...changes,
});

export const contextOf = (signal?: ProbeContext["signal"]): ProbeContext => ({
  signal: signal ?? new AbortController().signal,
  attempt: 1,
  lastResult: "none",
});

/** A folder every user may enter, gone after the test. */
export async function openFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hck-"));
  await chmod(folder, 0o755);
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function putScript(
  folder: string,
  name: string,
  lines: string,
  mode = 0o755,
): Promise<void> {
  await writeFile(join(folder, name), lines);
  await chmod(join(folder, name), mode);
}

/** Command lines of living processes that contain `word`. */
export async function livingWith(word: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = await readFile(`/proc/${name}/cmdline`, "latin1").catch(() => "");
    if (words.includes(word)) found.push(words.replaceAll("\0", " "));
  }
  return found;
}

/** A listening socket on loopback; closed after the test. */
export async function listenOn(t: TestContext, address = "127.0.0.1"): Promise<number> {
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  t.after(() => server.close());
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("not bound to a port");
  return bound.port;
}

/** A port on loopback where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (bound === null || typeof bound === "string") throw new Error("not bound to a port");
  return bound.port;
}

export const singlePorts = (...ports: number[]) =>
  ports.map((port) => ({ first: port, last: port }));

const SERVER_THAT_TELLS_ITS_PORT = `
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));
`;

/** A port on loopback that neither accepts nor refuses: its owner is frozen, its backlog full. */
export async function silentPort(t: TestContext): Promise<number> {
  const owner = spawn(process.execPath, ["-e", SERVER_THAT_TELLS_ITS_PORT], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    owner.kill("SIGKILL");
  });
  const port = await new Promise<number>((resolve) => {
    owner.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk)));
  });
  owner.kill("SIGSTOP");
  for (let i = 0; i < 5; i += 1) {
    sockets.push(connect({ host: "127.0.0.1", port }).on("error", () => undefined));
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  return port;
}

/** A TCP server on loopback for tests that play the server's part; its port. */
export async function serveStream(t: TestContext, talk: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("not bound to a port");
  return bound.port;
}

/** A key and a certificate of nobody in particular. */
export async function ownCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const made = await runCommand([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    ...["-nodes", "-days", "1", "-subj", "/CN=elsewhere", "-keyout", "-", "-out", "-"],
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  return { key: made.stdout, cert: made.stdout };
}
