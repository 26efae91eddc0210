// socket-run.ts — the storm once more through real sockets: what the kernel hands over is judged the same.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { millis } from "@lbpair/common";
import { Conversation, openAdvertSocket } from "@lbpair/heartbeat";
import { Dice } from "./dice.js";
import { Forge } from "./forge.js";
import { wordOf } from "./fuzz-run.js";
import { LifeModel } from "./life-model.js";
import { hmacSign } from "./signatures.js";

const HERE = "127.0.0.1";
const THERE = "127.0.0.2";
/** Sent before the receiver is waited for: less than its buffer holds. */
const VOLLEY = 64;
const WAIT_MS_MAX = 2000;

export interface SocketReport {
  readonly sent: number;
  readonly received: number;
}

async function boundSocket(address: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: "udp4" });
  socket.bind(port, address);
  await once(socket, "listening");
  return socket;
}

const send = (socket: Socket, bytes: Uint8Array, port: number): Promise<void> =>
  new Promise((resolve, reject) =>
    socket.send(bytes, port, HERE, (error) => (error === null ? resolve() : reject(error))),
  );

/**
 * From the peer's own address and from a stranger's port. Throws Error where a datagram is judged
 * otherwise than the model says, or where the kernel lost one on the loopback.
 */
export async function runSocketFuzz(options: {
  readonly seed: number;
  readonly datagrams: number;
}): Promise<SocketReport> {
  const dice = new Dice(options.seed);
  const sign = hmacSign(Buffer.alloc(32, 3));
  const peer = await boundSocket(THERE, 0);
  const { port } = peer.address();
  const stranger = await boundSocket(THERE, 0);
  const now = () => millis(performance.now());
  const conversation = new Conversation({
    designation: "primary",
    sign,
    newSession: () => dice.session(),
    now: now(),
    deadtime: 1000,
    paths: 1,
  });
  const { session } = conversation;
  const model = new LifeModel({ mine: session.mine, designation: 1, sign });
  const known = { session: session.mine, challenge: session.challenge };
  const forge = new Forge(dice, sign, hmacSign(Buffer.alloc(32, 4)), known);
  let received = 0;
  let wrong: string | undefined;
  const socket = openAdvertSocket({
    local: HERE,
    peer: THERE,
    port,
    onDatagram: (bytes, from) => {
      received += 1;
      const genuine = from.address === THERE && from.port === port;
      const at = now();
      const may = model.judge(0, bytes, genuine, at);
      const is = conversation.receive(0, bytes, genuine, at);
      const word = wordOf(is);
      if (word !== may) wrong ??= `datagram ${received}: taken for ${word}, may be ${may}`;
      conversation.challenge(at);
      const { mine, challenge } = conversation.session;
      if (mine !== model.mine) model.renewed(mine);
      model.challenged(challenge, at);
      known.session = mine;
      known.challenge = challenge;
    },
  });
  try {
    await untilTrue(() => socket.bound, "the socket is bound");
    let sent = 0;
    while (sent < options.datagrams && wrong === undefined) {
      for (let i = 0; i < VOLLEY && sent < options.datagrams; i += 1) {
        const { bytes } = forge.next();
        await send(dice.chance(0.95) ? peer : stranger, bytes, port);
        sent += 1;
      }
      await untilTrue(() => received >= sent, `${sent} datagrams received, got ${received}`);
    }
    if (wrong !== undefined) throw new Error(`seed ${options.seed}, ${wrong}`);
    return { sent, received };
  } finally {
    peer.close();
    stranger.close();
    await socket.close();
  }
}

async function untilTrue(condition: () => boolean, what: string): Promise<void> {
  const until = performance.now() + WAIT_MS_MAX;
  while (!condition()) {
    if (performance.now() > until) throw new Error(`want ${what}`);
    await pause(1);
  }
}
