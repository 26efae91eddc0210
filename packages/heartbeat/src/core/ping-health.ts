// ping-health.ts — which ping nodes still answer: when each is asked, and when it counts as lost or back.
//
// A node that answers is asked each second. One that did not is asked again at once, so that its loss is
// known within PING_CYCLE_MS whenever it died: a difference between two nodes' views cannot last longer.
import {
  type Millis,
  PING_ANSWER_MS,
  PING_INTERVAL_MS,
  PING_MISSES,
  type PingNodeStatus,
} from "@lbpair/common/light";

/** Answers in a row that bring a lost ping node back. */
export const PING_HITS = 2;
/** From the first answer of a lost one to the question that makes sure, in milliseconds. */
const SURE_MS = 200;
/** Questions of which a late answer still counts: it shows that the node is reached. */
const LATE_ANSWERS = 3;

interface PingNode {
  readonly address: string;
  /** null = not known yet. */
  answers: boolean | null;
  answeredAt: number | null;
  /** Last answer before it was lost, or the latest. */
  wellAt: number | null;
  askedAt: number;
  awaiting: boolean;
  misses: number;
  hits: number;
  /** Numbers of the latest questions, the newest last. */
  asked: number[];
}

export interface PingNews {
  readonly address: string;
  readonly answers: boolean;
  /** From the last answer; null = it never answered. */
  readonly silentMs: number | null;
}

export interface Question {
  readonly address: string;
  /** 16 bits, of no other question that is still waited for. */
  readonly sequence: number;
}

const freshNode = (address: string): PingNode => ({
  address,
  answers: null,
  answeredAt: null,
  wellAt: null,
  askedAt: Number.NEGATIVE_INFINITY,
  awaiting: false,
  misses: 0,
  hits: 0,
  asked: [],
});

export class PingHealth {
  private nodes: readonly PingNode[] = [];
  private sequence = 0;

  /** From now on these are asked; what is known of those that stay is kept. */
  setNodes(addresses: readonly string[]): void {
    const known = new Map(this.nodes.map((node) => [node.address, node]));
    this.nodes = [...new Set(addresses)].map((address) => known.get(address) ?? freshNode(address));
  }

  /** How many are lost; one that is not known yet is not. */
  get lost(): number {
    return this.nodes.filter(({ answers }) => answers === false).length;
  }

  get lostAddresses(): readonly string[] {
    return this.nodes.filter(({ answers }) => answers === false).map(({ address }) => address);
  }

  /** Whether an answer may come at any moment. */
  get awaiting(): boolean {
    return this.nodes.some(({ awaiting }) => awaiting);
  }

  /** When the oldest question that is waited for was asked; undefined = there is none. */
  get awaitingSince(): number | undefined {
    const since = this.nodes.filter(({ awaiting }) => awaiting).map(({ askedAt }) => askedAt);
    return since.length === 0 ? undefined : Math.min(...since);
  }

  /** Somebody answered a question; answers to questions too long ago are no news. */
  answered(sequence: number, now: Millis): PingNews | undefined {
    const node = this.nodes.find(({ asked }) => asked.includes(sequence));
    if (node === undefined) return undefined;
    node.answeredAt = now;
    node.asked = node.asked.filter((one) => one !== sequence);
    node.awaiting = false;
    node.misses = 0;
    node.hits += 1;
    if (node.answers === true || (node.answers === false && node.hits < PING_HITS))
      return undefined;
    const news = node.answers === false;
    const silentMs = node.wellAt === null ? null : now - node.wellAt;
    node.answers = true;
    node.wellAt = now;
    return news ? { address: node.address, answers: true, silentMs } : undefined;
  }

  /** Judges the questions whose time is over. Answers that have come must have been told before. */
  judge(now: Millis): PingNews[] {
    const news: PingNews[] = [];
    for (const node of this.nodes) {
      if (!node.awaiting || now - node.askedAt < PING_ANSWER_MS) continue;
      node.awaiting = false;
      node.hits = 0;
      node.misses += 1;
      if (node.misses < PING_MISSES || node.answers === false) continue;
      node.answers = false;
      const silentMs = node.wellAt === null ? null : now - node.wellAt;
      news.push({ address: node.address, answers: false, silentMs });
    }
    return news;
  }

  private static dueAt(node: PingNode): number {
    if (node.awaiting) return node.askedAt + PING_ANSWER_MS;
    if (node.answers === false && node.hits > 0) return node.askedAt + SURE_MS;
    const doubted = node.answers !== false && node.misses > 0;
    return node.askedAt + (doubted ? PING_ANSWER_MS : PING_INTERVAL_MS);
  }

  /** The questions that are due now; they count as asked. */
  ask(now: Millis): Question[] {
    const due = this.nodes.filter((node) => !node.awaiting && PingHealth.dueAt(node) <= now);
    return due.map((node) => {
      this.sequence = (this.sequence + 1) & 0xffff;
      node.askedAt = now;
      node.awaiting = true;
      node.asked = [...node.asked, this.sequence].slice(-LATE_ANSWERS);
      return { address: node.address, sequence: this.sequence };
    });
  }

  /** A question that never left, through no fault of its node: it counts for nothing. */
  notAsked(sequence: number): void {
    const node = this.nodes.find(({ asked }) => asked.includes(sequence));
    if (node === undefined) return;
    node.asked = node.asked.filter((one) => one !== sequence);
    node.awaiting = false;
  }

  /** When something is to be judged or asked next; undefined = there are no ping nodes. */
  nextAt(): number | undefined {
    return this.nodes.length === 0 ? undefined : Math.min(...this.nodes.map(PingHealth.dueAt));
  }

  status(now: Millis): PingNodeStatus[] {
    return this.nodes.map(({ address, answers, answeredAt }) => ({
      address,
      answers,
      answeredAgeMs: answeredAt === null ? null : Math.round(now - answeredAt),
    }));
  }
}
