// advertiser.ts — the paths to the peer: sends adverts and verdicts, hands over what is heard.
import { randomBytes } from "node:crypto";
import {
  type ApplianceConfig,
  type Clock,
  type Designation,
  type PathStatus,
  type RevisionId,
  sameAddress,
  type Verdicts,
} from "@lbpair/common/light";
import type { AdvertSocket } from "./adapters/advert-socket.js";
import { createSign } from "./adapters/sign.js";
import { type Advert, NO_SESSION } from "./core/advert.js";
import { Conversation, type Received } from "./core/conversation.js";
import { helloAdvert } from "./core/hello.js";
import { type PathView, stateOf } from "./core/path-watch.js";
import { encodeChallenge, encodeRound, type Saying } from "./core/round.js";
import { splitVerdicts } from "./core/verdict-transfer.js";
import { encodeAdvert, encodeVerdicts, type Sign } from "./core/wire.js";

export interface AdvertiserOptions {
  readonly clock: Clock;
  readonly designation: Designation;
  readonly peer: NonNullable<ApplianceConfig["peer"]>;
  readonly port: number;
  readonly key: Buffer;
  readonly bootId: string;
  readonly timings: { readonly deadtime: number; readonly warntime: number };
  readonly openSocket: (options: {
    readonly local: string;
    readonly peer: string;
    readonly port: number;
    readonly onDatagram: (
      bytes: Uint8Array,
      from: { readonly address: string; readonly port: number },
    ) => void;
    readonly onBound: () => void;
  }) => AdvertSocket;
  readonly onReceived: (received: Received) => void;
}

const percent = (permille: number | null): number | null =>
  permille === null ? null : permille / 10;

const hundredths = (value: number | null): number | null =>
  value === null ? null : Math.round(value * 100) / 100;

export class Advertiser {
  private readonly options: AdvertiserOptions;
  private readonly conversation: Conversation;
  private readonly sockets: readonly AdvertSocket[];
  private readonly sign: Sign;

  constructor(options: AdvertiserOptions) {
    this.options = options;
    this.sign = createSign(options.key);
    this.conversation = new Conversation({
      designation: options.designation,
      sign: this.sign,
      newSession: () => randomBytes(8).toString("hex"),
      now: options.clock.now(),
      deadtime: options.timings.deadtime,
      paths: options.peer.paths.length,
    });
    this.sockets = options.peer.paths.map(({ local, peer }, i) => {
      const isAddress = sameAddress(peer);
      return options.openSocket({
        local,
        peer,
        port: options.port,
        onBound: () => this.sayHello(i),
        onDatagram: (bytes, from) => {
          const genuine = isAddress(from.address) && from.port === options.port;
          const now = options.clock.now();
          options.onReceived(this.conversation.receive(i, bytes, genuine, now));
        },
      });
    });
  }

  /** On a path that can be spoken on from now: a peer that does not know this run need not be waited for. */
  private sayHello(path: number): void {
    const { session } = this.conversation;
    if (session.accepted !== NO_SESSION) return;
    const { designation, bootId } = this.options;
    const sequence = this.conversation.nextSequence();
    const hello = helloAdvert({ designation, bootId, session: session.mine, sequence, path });
    this.sockets[path]?.send(encodeAdvert(hello, this.sign));
  }

  /** The newest advert of the peer. */
  get newest(): Advert | null {
    return this.conversation.newest;
  }

  /** Lets datagrams that the kernel has queued come in before anything is judged. */
  async drain(): Promise<void> {
    await Promise.all(this.sockets.map((socket) => socket.drain()));
  }

  /** One round: the same saying on every path. */
  say(saying: Saying): void {
    const { designation, bootId, clock } = this.options;
    const speaker = { designation, bootId, sign: this.sign };
    const round = encodeRound(saying, this.conversation, speaker, clock.now());
    for (const [path, bytes] of round.entries()) this.sockets[path]?.send(bytes);
    const challenge = encodeChallenge(this.conversation, speaker, clock.now());
    for (const [path, bytes] of challenge.entries()) this.sockets[path]?.send(bytes);
  }

  /** Sends the verdicts, in pieces, on every path; false where they are too long to travel. */
  sayVerdicts(verdicts: Verdicts): boolean {
    const { session } = this.conversation;
    if (session.accepted === NO_SESSION) return true;
    const pieces = splitVerdicts(verdicts);
    if (pieces === undefined) return false;
    const id: RevisionId = { serial: verdicts.serial, hash: verdicts.hash };
    for (const [part, text] of pieces.entries()) {
      const datagram = encodeVerdicts(
        {
          version: this.conversation.version,
          designation: this.options.designation,
          session: session.mine,
          echo: session.accepted,
          sequence: this.conversation.nextSequence(),
          id,
          part,
          parts: pieces.length,
          text,
        },
        this.sign,
      );
      for (const socket of this.sockets) socket.send(datagram);
    }
    return true;
  }

  /** The peer's wall clock less ours; null = not known. */
  clockOffsetMs(): number | null {
    const { clock } = this.options;
    return this.conversation.clockOffset.offsetMs(clock.wall().getTime(), clock.now());
  }

  views(): PathView[] {
    const now = this.options.clock.now();
    return this.conversation.paths.map((record, i) => ({
      local: this.options.peer.paths[i]?.local ?? "",
      peer: this.options.peer.paths[i]?.peer ?? "",
      bound: this.sockets[i]?.bound === true,
      ageMs: this.conversation.ageOf(i, now),
      heardByPeer: record.heardByPeer,
      lossPermille: this.conversation.lossPermille(i),
      peerLossPermille: record.peerLossPermille,
    }));
  }

  status(): PathStatus[] {
    return this.views().map((view, i) => {
      const record = this.conversation.paths[i];
      return {
        local: view.local,
        peer: view.peer,
        state: stateOf(view, this.options.timings),
        heardAgeMs: view.ageMs === null ? null : Math.round(view.ageMs),
        heardByPeer: view.heardByPeer,
        lossPercent: percent(view.lossPermille),
        peerLossPercent: percent(view.peerLossPermille),
        rttMs: hundredths(record?.roundTrip.smoothedMs ?? null),
        rttMinMs: hundredths(record?.roundTrip.shortestMs ?? null),
        sent: this.sockets[i]?.counters.sent ?? 0,
        received: record?.received ?? 0,
        dropped: { ...record?.dropped } as Record<string, number>,
      };
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.sockets.map((socket) => socket.close()));
  }
}
