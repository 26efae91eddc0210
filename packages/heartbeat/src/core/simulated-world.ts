// simulated-world.ts — time, chance and the network of a simulated pair, for tests.
import type { Designation } from "@lbpair/common";

/** Time, the network and both nodes. */
export class World<Node extends { datagram(bytes: Uint8Array): void }> {
  now = 0;
  private x: number;
  private readonly due: { readonly at: number; readonly run: () => void }[] = [];
  readonly trace: string[] = [];
  /** Loss by direction, from the primary and from the secondary; 1 = cut. */
  loss: [number, number] = [0, 0];
  netFaultAt = Number.NEGATIVE_INFINITY;
  epochs = 0;
  readonly nodes: readonly [Node, Node];
  constructor(seed: number, nodes: (world: World<Node>) => readonly [Node, Node]) {
    this.x = seed * 2_654_435_761 + 1;
    this.nodes = nodes(this);
  }
  random(): number {
    // mulberry32
    this.x = (this.x + 0x6d2b79f5) | 0;
    let t = Math.imul(this.x ^ (this.x >>> 15), 1 | this.x);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  between = (from: number, to: number): number => from + this.random() * (to - from);
  after(ms: number, run: () => void): void {
    const at = this.now + ms;
    let i = this.due.length;
    while (i > 0 && (this.due[i - 1]?.at ?? 0) <= at) i -= 1;
    this.due.splice(i, 0, { at, run });
  }
  say(text: string): void {
    this.trace.push(`${this.now.toFixed(1).padStart(8)} ${text}`);
  }
  run(until: number, look: () => void): void {
    for (let next = this.due.at(-1); next !== undefined && next.at <= until; ) {
      this.due.pop();
      this.now = next.at;
      if (this.loss[0] + this.loss[1] > 0) this.netFaultAt = this.now;
      next.run();
      look();
      next = this.due.at(-1);
    }
    this.now = until;
  }
  send(from: Designation, bytes: Uint8Array): void {
    const side = from === "primary" ? 0 : 1;
    if (this.random() < this.loss[side]) return;
    this.after(this.between(0.2, 5), () => this.nodes[1 - side]?.datagram(bytes));
  }
}
