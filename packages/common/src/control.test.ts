// control.test.ts — the control socket: answers, refusals, time limits, streams, and who owns the socket.
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { ControlUnreachableError, controlFollow, controlRequest } from "./control-client.js";
import {
  CONTROL_BODY_BYTES_MAX,
  CONTROL_FOLLOW_BYTES_MAX,
  createControlServer,
  RefusalError,
} from "./control-server.js";

const folder = await mkdtemp(join(tmpdir(), "lbpair-control-"));
const path = join(folder, "run", "forwarder.sock");
let sendLine: (line: unknown) => void = () => undefined;
let hungUp = 0;
const server = await createControlServer({
  path,
  routes: {
    "GET /status": ({ query }) => ({ who: "forwarder", query: [...query] }),
    "POST /echo": ({ body }) => ({ body }),
    "POST /refuse": () => {
      const problem = { code: "wrong-value", path: "a", want: "b", got: "c" } as const;
      throw new RefusalError(409, "not now", [problem]);
    },
    "POST /break": () => {
      throw new TypeError("a fault");
    },
    "GET /slow": () => wait(5000, "late", { ref: false }),
    "GET /follow": ({ stream, signal }) => {
      sendLine = stream();
      sendLine({ first: true });
      signal.addEventListener("abort", () => {
        hungUp += 1;
      });
    },
  },
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const refusal = async (route: string, body?: unknown): Promise<RefusalError> => {
  const error = await controlRequest(path, route, body).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof RefusalError, `want a refusal, got ${String(error)}`);
  return error;
};

test("a request is answered with the handler's value, with query and body", async () => {
  const status = await controlRequest(path, "GET /status?a=1&b=x%20y");
  assert.deepEqual(status, {
    who: "forwarder",
    query: [
      ["a", "1"],
      ["b", "x y"],
    ],
  });
  assert.deepEqual(await controlRequest(path, "POST /echo", { text: "ä\n" }), {
    body: { text: "ä\n" },
  });
});

test("the socket is its owner's alone", async () => {
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("a refusal arrives with its status, reason and problems", async () => {
  const error = await refusal("POST /refuse");
  assert.equal(error.status, 409);
  assert.equal(error.message, "not now");
  assert.equal(error.problems[0]?.code, "wrong-value");
});

test("an unknown request is refused with the known ones, a fault with its text", async () => {
  const unknown = await refusal("GET /nothing");
  assert.equal(unknown.status, 404);
  assert.match(unknown.message, /want one of GET \/status, .* got "GET \/nothing"/);
  assert.equal((await refusal("GET //")).status, 404);
  assert.equal((await refusal("POST /break")).status, 500);
});

test("a body that is too long is refused, and the asker gets to read why", async () => {
  const error = await refusal("POST /echo", "x".repeat(CONTROL_BODY_BYTES_MAX + 10));
  assert.equal(error.status, 413);
});

test("no answer in time, and nobody there, are told apart", async () => {
  await assert.rejects(
    controlRequest(path, "GET /slow", undefined, { timeoutMs: 100 }),
    (error: unknown) =>
      error instanceof ControlUnreachableError && /no answer within 100 ms/.test(error.message),
  );
  await assert.rejects(controlRequest(join(folder, "none"), "GET /status"), /nobody answers/);
});

test("a stream brings each line as it happens, and the server learns that the asker left", async () => {
  const lines: unknown[] = [];
  const stop = new AbortController();
  const before = hungUp;
  const following = controlFollow(path, "GET /follow", (line) => lines.push(line), stop.signal);
  while (lines.length < 1) await wait(5);
  sendLine({ second: true });
  while (lines.length < 2) await wait(5);
  stop.abort();
  await following;
  assert.deepEqual(lines, [{ first: true }, { second: true }]);
  while (hungUp === before) await wait(5);
});

test("following what is not there is refused, and a stream the daemon ends resolves", async () => {
  const signal = new AbortController().signal;
  await assert.rejects(
    controlFollow(path, "GET /nothing", () => undefined, signal),
    RefusalError,
  );
  const other = join(folder, "other.sock");
  const dying = await createControlServer({
    path: other,
    routes: {
      "GET /follow": ({ stream }) => stream()({ whole: true }),
    },
  });
  const lines: unknown[] = [];
  const following = controlFollow(other, "GET /follow", (line) => lines.push(line), signal);
  while (lines.length < 1) await wait(5);
  await dying.close();
  await following;
});

test("a follower that does not read is cut off instead of remembered for", async () => {
  const before = hungUp;
  const lines: unknown[] = [];
  const stop = new AbortController();
  const following = controlFollow(path, "GET /follow", (line) => lines.push(line), stop.signal);
  while (lines.length < 1) await wait(5);
  // All in one turn of the event loop: the reader has no chance to read.
  for (let i = 0; i < 100; i += 1) sendLine("x".repeat(CONTROL_FOLLOW_BYTES_MAX / 10));
  await following;
  while (hungUp === before) await wait(5);
  assert.ok(lines.length < 100);
});

test("a living daemon's socket is refused, a dead one's is replaced", async () => {
  await assert.rejects(createControlServer({ path, routes: {} }), /another daemon answers/);
  assert.ok(await controlRequest(path, "GET /status"));
  const stale = join(folder, "stale.sock");
  const dead: Server = createServer();
  await new Promise<void>((resolve) => dead.listen(stale, resolve));
  // Closed without its file being removed, as after a kill.
  const { rename } = await import("node:fs/promises");
  await rename(stale, `${stale}.kept`);
  await new Promise((resolve) => dead.close(resolve));
  await rename(`${stale}.kept`, stale);
  const fresh = await createControlServer({ path: stale, routes: { "GET /status": () => 1 } });
  assert.equal(await controlRequest(stale, "GET /status"), 1);
  await fresh.close();
});
