// advert-socket.ts — one path to the peer: datagrams out and in, on a local address that may come late.
import type { SocketOptions } from "node:dgram";
import { setImmediate as nextTurn } from "node:timers/promises";
import { DgramAsPromised, type SocketAsPromised } from "dgram-as-promised";

export interface AdvertSocketOptions {
  readonly local: string;
  readonly peer: string;
  /** Both ends use the same port. */
  readonly port: number;
  /** Every datagram, from whomever; who may say what is decided by the caller. */
  readonly onDatagram: (
    bytes: Uint8Array,
    from: { readonly address: string; readonly port: number },
  ) => void;
  /** The local address is there and the port is ours: from now on something can be said. */
  readonly onBound?: () => void;
}

export interface AdvertCounters {
  readonly sent: number;
  readonly received: number;
  /** Sends that the kernel refused; the last reason is in `lastError`. */
  readonly sendErrors: number;
  readonly bindErrors: number;
  /** Attempts to send while the local address was missing. */
  readonly unbound: number;
}

export interface AdvertSocket {
  /** Whether the local address is there and the port is ours. */
  readonly bound: boolean;
  readonly counters: AdvertCounters;
  /** errno name of the last failure, empty where there was none. */
  readonly lastError: string;
  /** Sends one datagram; never throws, failures are counted. */
  send(bytes: Uint8Array): void;
  /** Resolves once the datagrams that the kernel had queued have been handed over. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** From a failed bind (the address is missing) to the next. */
export const BIND_RETRY_MS = 1000;
/** Turns of the event loop a drain takes at most; each reads up to 32 datagrams of a socket. */
const DRAIN_TURNS_MAX = 256;

/**
 * After a stall Node runs overdue timers before it reads the sockets, so a judge of silence has to
 * let the loop turn first. Two turns at least: asked from inside an I/O callback, the first ends
 * before the sockets are looked at. Then until a turn brings nothing more.
 */
export async function drainTurns(received: () => number): Promise<void> {
  await nextTurn();
  for (let turn = 0; turn < DRAIN_TURNS_MAX; turn++) {
    const before = received();
    await nextTurn();
    if (received() === before) return;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);

/**
 * A wrapper round dgram-as-promised 6.0.0 that keeps to what works of it: datagrams come through
 * createSocket's callback (its recv() drops what arrives between two calls), an error listener is
 * always there, and a socket that failed is thrown away (it would reject the next call as well).
 */
export function openAdvertSocket(options: AdvertSocketOptions): AdvertSocket {
  const counters = { sent: 0, received: 0, sendErrors: 0, bindErrors: 0, unbound: 0 };
  let socket: SocketAsPromised | undefined;
  let retry: NodeJS.Timeout | undefined;
  let lastError = "";
  let closed = false;
  const onTheWay = new Set<Promise<void>>();

  const bind = async (): Promise<void> => {
    const [type, family] = options.local.includes(":")
      ? (["udp6", 6] as const)
      : (["udp4", 4] as const);
    // Both ends are addresses: Node's own lookup answers a turn later, for each datagram.
    const lookup: SocketOptions["lookup"] = (address, _, found) => found(null, address, family);
    const given = { type, reuseAddr: false, lookup };
    const fresh = DgramAsPromised.createSocket(given, (bytes, from) => {
      if (closed) return;
      counters.received += 1;
      options.onDatagram(bytes, { address: from.address, port: from.port });
    });
    fresh.socket.on("error", (error) => {
      lastError = codeOf(error);
      if (socket === fresh) renew(fresh);
    });
    try {
      await fresh.bind({ address: options.local, port: options.port, exclusive: true });
      if (closed) await discard(fresh);
      else {
        socket = fresh;
        options.onBound?.();
      }
    } catch (error) {
      counters.bindErrors += 1;
      lastError = codeOf(error);
      renew(fresh);
    }
  };
  const renew = (broken: SocketAsPromised): void => {
    socket = undefined;
    void discard(broken);
    if (!closed) retry = setTimeout(() => void bind(), BIND_RETRY_MS);
  };
  void bind();

  return {
    get bound() {
      return socket !== undefined;
    },
    get lastError() {
      return lastError;
    },
    counters,
    send(bytes) {
      if (socket === undefined) {
        counters.unbound += 1;
        return;
      }
      const sending = socket.send(bytes, options.port, options.peer).then(
        () => {
          counters.sent += 1;
        },
        (error: unknown) => {
          counters.sendErrors += 1;
          lastError = codeOf(error);
        },
      );
      onTheWay.add(sending);
      void sending.then(() => onTheWay.delete(sending));
    },
    drain: () => drainTurns(() => counters.received),
    async close() {
      closed = true;
      clearTimeout(retry);
      const last = socket;
      socket = undefined;
      // Node sends a turn later; a socket closed before that drops what may be the last word of this
      // run, and a peer that was never told of a longer lease claims while it still runs.
      await Promise.all(onTheWay);
      if (last !== undefined) await discard(last);
    },
  };
}

/** Closes what may be closed already; dgram-as-promised rejects a second close. */
const discard = (socket: SocketAsPromised): Promise<void> => socket.close().catch(() => undefined);
