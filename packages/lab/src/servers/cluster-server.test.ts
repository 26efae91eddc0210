import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { probeBusyConnections } from "../probes/busy-connections.js";
import { startClusterServer } from "./cluster-server.js";
import { frame, orderMessage, readAcknowledgement, unframe } from "./hl7.js";
import { createTally, KINDS, patternBytes, TRAILER_BYTES } from "./protocol.js";

// Below the ephemeral range, and of no service.
const PORT = 20_094;
const server = await startClusterServer({ name: "primary", tcpPorts: [PORT], udpPorts: [] });
after(() => server.close());

async function dial(): Promise<Socket> {
  const socket = connect(PORT, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

async function everything(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test("a server tells its name and ends", async () => {
  const socket = await dial();
  socket.write(Buffer.from([KINDS.name]));
  assert.equal((await everything(socket)).toString(), "primary\n");
});

test("an echo ends with the count and the hash of what was echoed", async () => {
  const socket = await dial();
  const bytes = patternBytes(7, 0, 1000);
  socket.write(Buffer.from([KINDS.echo, 7]));
  socket.end(bytes);
  const got = await everything(socket);
  const tally = createTally();
  tally.add(bytes);
  assert.ok(got.subarray(0, 1000).equals(bytes));
  assert.ok(got.subarray(1000).equals(tally.trailer()));
  assert.equal(got.length, 1000 + TRAILER_BYTES);
});

test("an HL7 order is acknowledged with its control id, by name", async () => {
  const socket = await dial();
  socket.end(frame(orderMessage("A42")));
  const { messages } = unframe(await everything(socket));
  const answer = readAcknowledgement(messages[0] ?? "");
  assert.deepEqual(answer, { accepted: true, server: "primary", control: "A42" });
});

/** Runs twenty busy connections for a while. */
async function busy(port: number) {
  let ready = () => {};
  const stop = new Promise<void>((resolve) => {
    ready = () => setTimeout(resolve, 300);
  });
  const options = { address: "127.0.0.1", port, connections: 20 };
  return probeBusyConnections(options, { ready: () => ready(), onMark: () => {}, stop });
}

test("twenty busy connections of four kinds live where nothing happens", async () => {
  const result = await busy(PORT);
  assert.deepEqual(result.reasons, {});
  assert.equal(result.alive, 20);
  assert.deepEqual(Object.keys(result.byKind).sort(), [
    "client-talks",
    "idle-client",
    "idle-server",
    "server-talks",
  ]);
  console.log(`longest stall ${result.longestStallMs.toFixed(1)} ms`);
});

/** Passes bytes on, but for the fifth byte that the server sends on each connection. */
async function startLossyRelay(port: number) {
  const relay = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: PORT, host: "127.0.0.1", allowHalfOpen: true });
    near.pipe(far);
    let seen = 0;
    far.on("data", (bytes: Buffer) => {
      const at = 4 - seen;
      seen += bytes.length;
      const hit = at >= 0 && at < bytes.length;
      near.write(hit ? Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]) : bytes);
    });
    far.on("end", () => near.end());
  });
  relay.listen(port, "127.0.0.1");
  await once(relay, "listening");
  return relay;
}

test("one byte lost on the way is never called alive", async () => {
  const relay = await startLossyRelay(PORT + 1);
  const result = await busy(PORT + 1);
  relay.close();
  console.log(result.reasons);
  assert.equal(result.alive, 0);
});
