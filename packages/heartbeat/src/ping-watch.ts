// ping-watch.ts — asks the ping nodes in their time, and tells which of them are lost.
import {
  type Clock,
  type EventLog,
  type IcmpPing,
  type PingNodeStatus,
  RawSocketError,
} from "@lbpair/common/light";
import { PingHealth, type PingNews } from "./core/ping-health.js";

/** While an answer is awaited, the socket is looked at after 1, 2, 4, … ms, and this often at least. */
const LOOK_MS_MAX = 100;

export interface PingWatchOptions {
  readonly clock: Clock;
  readonly events: EventLog;
  readonly ping: IcmpPing;
  /** The number of lost ping nodes has changed. */
  readonly onChange: () => void;
}

export class PingWatch {
  private readonly options: PingWatchOptions;
  private readonly health = new PingHealth();
  private timer: NodeJS.Timeout | undefined;
  /** No socket to ask with: told once. */
  private impossible = false;

  constructor(options: PingWatchOptions) {
    this.options = options;
  }

  /** From now on these are asked. */
  plan(addresses: readonly string[]): void {
    const before = this.lost;
    this.health.setNodes(addresses);
    if (this.lost !== before) this.options.onChange();
    this.step();
  }

  get lost(): number {
    return this.health.lost;
  }

  get lostAddresses(): readonly string[] {
    return this.health.lostAddresses;
  }

  status(): PingNodeStatus[] {
    return this.health.status(this.options.clock.now());
  }

  close(): void {
    clearTimeout(this.timer);
    this.health.setNodes([]);
    this.options.ping.close();
  }

  /** Answers first: whoever was held up finds them in the socket, and judges after that. */
  private step(): void {
    const { clock, ping } = this.options;
    const now = clock.now();
    const before = this.lost;
    const back = ping.read().map((sequence) => this.health.answered(sequence, now));
    const news = [...back.filter((one) => one !== undefined), ...this.health.judge(now)];
    for (const one of news) this.tell(one);
    for (const { address, sequence } of this.health.ask(now)) this.ask(address, sequence);
    if (this.lost !== before) this.options.onChange();
    this.arm();
  }

  private arm(): void {
    clearTimeout(this.timer);
    const next = this.health.nextAt();
    if (next === undefined) return;
    const now = this.options.clock.now();
    const since = this.health.awaitingSince;
    // As long again as it has been waited for: a handful of looks for each question.
    const look = since === undefined ? Number.POSITIVE_INFINITY : Math.max(1, now - since);
    const wait = Math.min(Math.max(0, next - now), look, since === undefined ? look : LOOK_MS_MAX);
    this.timer = setTimeout(() => this.step(), Math.ceil(wait));
  }

  private ask(address: string, sequence: number): void {
    try {
      this.options.ping.ask(address, sequence);
      this.impossible = false;
    } catch (error) {
      // No route, no carrier, a firewall on the way out: a question without an answer, as any other.
      if (error instanceof RawSocketError && error.call === "sendto") return;
      this.health.notAsked(sequence);
      if (this.impossible) return;
      this.impossible = true;
      const why = error instanceof Error ? error.message : String(error);
      const text = `ping nodes cannot be asked, so they count for nothing: ${why}`;
      this.options.events.record("alarm", "ping-impossible", text, { address });
    }
  }

  private tell({ address, answers, silentMs }: PingNews): void {
    const { events } = this.options;
    const since = silentMs === null ? "never answered" : `silent for ${Math.round(silentMs)} ms`;
    if (answers) {
      const after = silentMs === null ? "" : `, after ${Math.round(silentMs)} ms`;
      const text = `the ping node ${address} answers again${after}`;
      events.record("info", "ping-back", text, { address, silentMs });
    } else {
      events.record("warn", "ping-lost", `the ping node ${address} is lost: ${since}`, {
        address,
        silentMs,
      });
    }
  }
}
