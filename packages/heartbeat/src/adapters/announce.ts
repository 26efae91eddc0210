// announce.ts — tells the neighbours where the floating IPs are now, several times.
import { familyOf, openPacketSocket, type PacketSocket } from "@lbpair/common/light";
import { gratuitousArp } from "./arp-frame.js";
import { unsolicitedAdvertisement } from "./na-frame.js";

/** A floating IP and the link that answers for it. */
export interface Announced {
  readonly address: string;
  readonly linkIndex: number;
  readonly mac: string;
}

export interface Announcer {
  /** The first round goes out before this returns; a burst that still ran is replaced. */
  announce(targets: readonly Announced[]): void;
  /** One round, now; a burst that runs goes on. */
  remind(targets: readonly Announced[]): void;
  stop(): void;
  /** Stops and closes the socket. */
  close(): void;
  /** Frames sent, and frames that the kernel refused. */
  readonly counters: { readonly sent: number; readonly failed: number };
  /** Why the last refused frame was, empty where none was. */
  readonly lastError: string;
}

/**
 * Milliseconds after the start of a burst. The first six are for frames lost in a busy moment; the
 * later ones for neighbours that refuse a second change within a second (Linux: locktime) and for
 * switches whose ports come up late.
 */
export const ANNOUNCE_AT_MS: readonly number[] = [0, 20, 70, 170, 370, 770, 2000, 5000];

/** What announces one floating IP once. */
export const framesOf = ({ address, mac }: Announced): Buffer[] =>
  familyOf(address) === 4
    ? [gratuitousArp(address, mac, "request"), gratuitousArp(address, mac, "reply")]
    : [unsolicitedAdvertisement(address, mac)];

export interface AnnouncerOptions {
  readonly mayAnnounce?: () => boolean;
  readonly atMs?: readonly number[];
  /** Default: common's packet socket. */
  readonly openSocket?: () => PacketSocket;
}

/**
 * Every round sends all addresses back to back: neighbours on the two networks that remember
 * different nodes are dead connections. `mayAnnounce` is asked before each round; where the gate
 * cannot see raw frames (hook "output") it must ask for the lease.
 */
export function createAnnouncer(options: AnnouncerOptions = {}): Announcer {
  const { mayAnnounce = () => true, atMs = ANNOUNCE_AT_MS } = options;
  let socket: PacketSocket | undefined;
  const opened = (): PacketSocket => {
    socket ??= (options.openSocket ?? openPacketSocket)();
    return socket;
  };
  // Opening loads a library, some 70 ms: after the start, but before the first take over.
  const early = setImmediate(() => attempt(opened));
  const counters = { sent: 0, failed: 0 };
  let lastError = "";
  let timers: NodeJS.Timeout[] = [];

  const stop = () => {
    for (const timer of timers) clearTimeout(timer);
    timers = [];
  };
  const attempt = (work: () => void): boolean => {
    try {
      work();
      return true;
    } catch (error) {
      lastError = error instanceof Error ? error.message : String(error);
      return false;
    }
  };
  const send = (frames: readonly { readonly linkIndex: number; readonly frame: Buffer }[]) => {
    if (!mayAnnounce()) return;
    for (const { linkIndex, frame } of frames) {
      // A link that is down now may be up at the next round; the others must be told anyway.
      if (attempt(() => opened().send(linkIndex, frame))) counters.sent += 1;
      else counters.failed += 1;
    }
  };
  // First one frame of each address, then the second of each: of a thousand the last is told in half the time.
  const framesFor = (targets: readonly Announced[]) =>
    targets
      .flatMap((target) =>
        framesOf(target).map((frame, turn) => ({ linkIndex: target.linkIndex, frame, turn })),
      )
      .sort((a, b) => a.turn - b.turn);
  return {
    remind: (targets) => send(framesFor(targets)),
    announce(targets) {
      stop();
      const frames = framesFor(targets);
      for (const at of atMs) {
        if (at === 0) send(frames);
        else timers.push(setTimeout(() => send(frames), at));
      }
    },
    stop,
    close() {
      stop();
      clearImmediate(early);
      socket?.close();
    },
    counters,
    get lastError() {
      return lastError;
    },
  };
}
