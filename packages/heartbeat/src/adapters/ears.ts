// ears.ts — hears who speaks for which address on some links, and speaks there itself: ARP, ND, echo.
import {
  echoReplyFilter,
  neighbourDiscoveryFilter,
  openPacketReceiver,
  openPacketSocket,
  type PacketReceiver,
  type PacketSocket,
  RawSocketError,
} from "@lbpair/common/light";
import { type Claim, ETHER_TYPE_ARP, readArpClaim } from "./arp-frame.js";
import { type EchoName, type EchoReply, ETHER_TYPE_IPV4, readEchoReply } from "./echo-frame.js";
import { ETHER_TYPE_IPV6 } from "./icmpv6-frame.js";
import { readNeighbourClaim } from "./ns-frame.js";

export type Heard =
  /** Somebody speaks in the name of an address. */
  | ({ readonly kind: "claim"; readonly linkIndex: number } & Claim)
  /** An answer to an echo request with this run's name. */
  | ({ readonly kind: "echo-reply"; readonly linkIndex: number } & EchoReply);

export interface ListenedLink {
  readonly linkIndex: number;
  /** Whether IPv6 neighbours are of interest there. */
  readonly ipv6: boolean;
}

export interface Ears {
  /** Whether this process may open such sockets at all. */
  readonly able: boolean;
  /** Why not, or the last thing that failed; empty where nothing did. */
  readonly reason: string;
  /** Exactly these links from now on. A link that is gone is left out until the next call. */
  listen(links: readonly ListenedLink[]): void;
  /**
   * `who` wants to hear within `pollMs`; null = no longer. The least of all wins. Echo replies of
   * IPv4 are heard only while somebody is in a hurry: their filter sees every IPv4 packet.
   */
  hurry(who: string, pollMs: number | null): void;
  /** Hands over all that has come by now. */
  poll(): void;
  /** At once or not at all; false where the kernel took it not. */
  send(linkIndex: number, frame: Buffer): boolean;
  close(): void;
}

/** Nothing waits for what is heard while nobody is in a hurry. */
const IDLE_POLL_MS = 500;

export interface EarsOptions {
  readonly name: EchoName;
  readonly onHeard: (heard: Heard) => void;
  /** Default: common's packet sockets; for tests. */
  readonly openReceiver?: typeof openPacketReceiver;
  readonly openSocket?: () => PacketSocket;
}

interface OpenLink extends ListenedLink {
  readonly always: readonly PacketReceiver[];
  echoes: PacketReceiver | undefined;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

class PacketEars implements Ears {
  able = true;
  reason = "";
  private readonly options: EarsOptions;
  private readonly links = new Map<number, OpenLink>();
  private readonly hurries = new Map<string, number>();
  private socket: PacketSocket | undefined;

  constructor(options: EarsOptions) {
    this.options = options;
  }

  listen(wanted: readonly ListenedLink[]): void {
    for (const [index, link] of this.links) {
      const same = wanted.some((each) => each.linkIndex === index && each.ipv6 === link.ipv6);
      if (!same) this.drop(link);
    }
    for (const each of wanted) {
      if (!this.links.has(each.linkIndex)) this.attempt(() => this.add(each));
    }
  }

  hurry(who: string, pollMs: number | null): void {
    if ((this.hurries.get(who) ?? null) === pollMs) return;
    if (pollMs === null) this.hurries.delete(who);
    else this.hurries.set(who, pollMs);
    for (const link of this.links.values()) {
      this.attempt(() => this.hearEchoes(link));
      for (const receiver of receiversOf(link)) receiver.setPollMs(this.pollMs());
    }
  }

  poll(): void {
    for (const link of this.links.values()) {
      for (const receiver of receiversOf(link)) receiver.poll();
    }
  }

  send(linkIndex: number, frame: Buffer): boolean {
    return this.attempt(() => {
      this.socket ??= (this.options.openSocket ?? openPacketSocket)();
      this.socket.send(linkIndex, frame);
    });
  }

  close(): void {
    for (const link of this.links.values()) this.drop(link);
    this.socket?.close();
    this.socket = undefined;
  }

  private pollMs(): number {
    return Math.min(IDLE_POLL_MS, ...this.hurries.values());
  }

  private open(linkIndex: number, etherType: number, filter?: Buffer): PacketReceiver {
    const open = this.options.openReceiver ?? openPacketReceiver;
    const pollMs = this.pollMs();
    const options = filter === undefined ? { pollMs } : { pollMs, filter };
    return open(linkIndex, etherType, (frame) => this.take(linkIndex, etherType, frame), options);
  }

  private add({ linkIndex, ipv6 }: ListenedLink): void {
    const arp = this.open(linkIndex, ETHER_TYPE_ARP);
    const always = ipv6
      ? [arp, this.open(linkIndex, ETHER_TYPE_IPV6, neighbourDiscoveryFilter())]
      : [arp];
    const link: OpenLink = { linkIndex, ipv6, always, echoes: undefined };
    this.links.set(linkIndex, link);
    this.hearEchoes(link);
  }

  private hearEchoes(link: OpenLink): void {
    if (this.hurries.size === 0) {
      link.echoes?.close();
      link.echoes = undefined;
    } else {
      const filter = echoReplyFilter(this.options.name.identifier);
      link.echoes ??= this.open(link.linkIndex, ETHER_TYPE_IPV4, filter);
    }
  }

  private drop(link: OpenLink): void {
    for (const receiver of receiversOf(link)) receiver.close();
    this.links.delete(link.linkIndex);
  }

  private take(linkIndex: number, etherType: number, frame: Buffer): void {
    const { name, onHeard } = this.options;
    const claim = etherType === ETHER_TYPE_ARP ? readArpClaim(frame) : readNeighbourClaim(frame);
    const reply = etherType === ETHER_TYPE_ARP ? undefined : readEchoReply(frame, name);
    if (claim !== undefined) onHeard({ kind: "claim", linkIndex, ...claim });
    if (reply !== undefined) onHeard({ kind: "echo-reply", linkIndex, ...reply });
  }

  private attempt(work: () => void): boolean {
    try {
      work();
      this.able = true;
      return true;
    } catch (error) {
      this.reason = messageOf(error);
      // A link that is down or gone says nothing of what this process may do.
      this.able = error instanceof RawSocketError && !/^E(PERM|ACCES)$/.test(error.code);
      return false;
    }
  }
}

const receiversOf = (link: OpenLink): PacketReceiver[] =>
  link.echoes === undefined ? [...link.always] : [...link.always, link.echoes];

export const createEars = (options: EarsOptions): Ears => new PacketEars(options);
