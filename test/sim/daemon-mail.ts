// daemon-mail.ts — what a simulated daemon reads from its sockets and says to its peer, in real datagrams.
import {
  Conversation,
  describeSaying,
  encodeChallenge,
  encodeRound,
  NO_REVISION,
  type Speaker,
} from "@lbpair/heartbeat";
import type { DaemonRun } from "./daemon-run.js";
import { macsOf } from "./witness-rounds.js";

/** Whole datagrams are what is simulated, not their signature. */
const SIGNATURE = new Uint8Array(32);
const sign = () => SIGNATURE;
/** Datagrams that a socket holds for a daemon that does not read; the rest is lost. */
const SOCKET_DATAGRAMS = 200;
const NO_CONFIGURATION = { revision: NO_REVISION, modes: NO_REVISION };

export class DaemonMail {
  readonly conversation: Conversation;
  private readonly daemon: DaemonRun;
  private readonly speaker: Speaker;
  private readonly inbox: { readonly path: number; readonly bytes: Uint8Array }[] = [];

  constructor(daemon: DaemonRun) {
    const { machine } = daemon;
    const { world, side, bootId } = machine;
    const { designation, deadtime } = world.settings[side];
    const newSession = () => machine.world.random.hex16();
    const paths = world.network.paths.length;
    const now = daemon.now();
    this.daemon = daemon;
    this.conversation = new Conversation({ designation, sign, newSession, now, deadtime, paths });
    this.speaker = { designation, bootId, sign };
  }

  /** A datagram has come to a socket. */
  datagram(path: number, bytes: Uint8Array): void {
    if (this.inbox.length < SOCKET_DATAGRAMS) this.inbox.push({ path, bytes });
    if (this.daemon.runs) this.read();
  }

  /** Reads what the sockets hold. */
  read(): void {
    for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) {
      const received = this.conversation.receive(next.path, next.bytes, true, this.daemon.now());
      // As the daemon: an advert of version 1 names none.
      if (received.kind === "advert" && received.advert.macs.length > 0) {
        this.daemon.machine.peerMacs = received.advert.macs;
      }
      this.daemon.heart.received(received);
      if (!this.daemon.runs) return;
    }
  }

  drain(done: () => void): void {
    this.daemon.after(0.02, () => {
      this.read();
      if (this.daemon.runs) done();
    });
  }

  advertise(probing: boolean): void {
    const { daemon } = this;
    const { machine, heart } = daemon;
    const { state } = heart;
    const now = this.daemon.now();
    const saying = describeSaying({
      state,
      settings: NO_CONFIGURATION,
      leaseMs: daemon.book.mayAnswerMs(now),
      verdicts: NO_REVISION,
      wallMs: machine.ills.wallMs,
      latenessMs: heart.lateness.recentMs,
      macs: macsOf(machine.side),
      probing,
    });
    if (state.phase === "active" && !daemon.book.held) machine.world.watcher?.saidTooEarly(machine);
    const round = encodeRound(saying, this.conversation, this.speaker, now);
    for (let path = 0; path < round.length; path += 1) {
      machine.world.send(machine, path, round[path] as Uint8Array);
    }
    const challenge = encodeChallenge(this.conversation, this.speaker, now);
    for (const [path, bytes] of challenge.entries()) machine.world.send(machine, path, bytes);
    if (saying.yielding) {
      machine.world.recordOffer(machine.side, { path: 0, bytes: round[0] as Uint8Array });
    }
  }
}
