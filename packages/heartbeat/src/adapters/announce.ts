// announce.ts — tells the neighbours where the floating IPs are now, several times.
import { familyOf, type PacketSocket } from "@lbpair/common";
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
  stop(): void;
  /** Frames sent, and rounds of a frame that the kernel refused since the start. */
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

const framesOf = ({ address, mac }: Announced): Buffer[] =>
  familyOf(address) === 4
    ? [gratuitousArp(address, mac, "request"), gratuitousArp(address, mac, "reply")]
    : [unsolicitedAdvertisement(address, mac)];

/**
 * Every round sends all addresses back to back: neighbours on the two networks that remember
 * different nodes are dead connections. `mayAnnounce` is asked before each round; where the gate
 * cannot see raw frames (hook "output") it must ask for the lease.
 */
export function createAnnouncer(options: {
  readonly socket: PacketSocket;
  readonly mayAnnounce?: () => boolean;
  readonly atMs?: readonly number[];
}): Announcer {
  const { socket, mayAnnounce = () => true, atMs = ANNOUNCE_AT_MS } = options;
  const counters = { sent: 0, failed: 0 };
  let lastError = "";
  let timers: NodeJS.Timeout[] = [];

  const stop = () => {
    for (const timer of timers) clearTimeout(timer);
    timers = [];
  };
  const send = (frames: readonly { readonly linkIndex: number; readonly frame: Buffer }[]) => {
    if (!mayAnnounce()) return;
    for (const { linkIndex, frame } of frames) {
      try {
        socket.send(linkIndex, frame);
        counters.sent += 1;
      } catch (error) {
        // A link that is down now may be up at the next round; the others must be told anyway.
        counters.failed += 1;
        lastError = error instanceof Error ? error.message : String(error);
      }
    }
  };
  return {
    announce(targets) {
      stop();
      const frames = targets.flatMap((target) =>
        framesOf(target).map((frame) => ({ linkIndex: target.linkIndex, frame })),
      );
      for (const at of atMs) {
        if (at === 0) send(frames);
        else timers.push(setTimeout(() => send(frames), at));
      }
    },
    stop,
    counters,
    get lastError() {
      return lastError;
    },
  };
}
