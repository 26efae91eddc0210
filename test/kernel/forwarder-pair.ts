// forwarder-pair.ts — two forwarders that are told what a heartbeat would tell them, with a replicator's road between.
import { type ControlServer, createControlServer } from "@lbpair/common";
import {
  type Appliance,
  lower,
  type NodeName,
  pause,
  plug,
  pull,
  raise,
  type World,
} from "./forwarder-world.js";

export const other = (node: NodeName): NodeName => (node === "a" ? "b" : "a");

/** A node that lost its role notices, lowers its addresses and comes back as passive after this time. */
const AWAY_MS = 700;

export class ForwarderPair {
  readonly #world: World;
  readonly #roads: ControlServer[] = [];
  active: NodeName = "a";

  constructor(world: World) {
    this.#world = world;
  }

  async both(work: (node: Appliance) => Promise<unknown>): Promise<void> {
    for (const node of [this.#world.a, this.#world.b]) await work(node);
  }

  /** The same configuration in force on both. */
  configure(services: string): Promise<void> {
    return this.both(async (node) => {
      await node.write(services);
      await node.ask("POST /reload", {});
    });
  }

  setModes(modes: string): Promise<void> {
    return this.both(async (node) => {
      await node.writeModes(modes);
      await node.ask("POST /reload", {});
    });
  }

  tell(node: NodeName, condition: "active" | "passive", peerAlive = true): Promise<unknown> {
    return this.#world[node].ask("POST /condition", { condition, peerAlive });
  }

  /** Both daemons are up with this configuration, a is active. */
  async begin(services: string): Promise<void> {
    await this.both(async (node) => {
      await node.write(services);
      await node.start();
    });
    for (const node of ["a", "b"] as const) {
      const path = this.#world[node].paths.socket("replicator");
      const road = ({ body }: { body: unknown }) =>
        this.#world[other(node)].ask("POST /pins", body);
      this.#roads.push(await createControlServer({ path, routes: { "POST /peer/pins": road } }));
    }
    await this.tell("a", "active");
    await this.tell("b", "passive");
  }

  /** Pulls the active's cables; the other one acts, and the lost one comes back as passive. */
  async switchNodes(): Promise<void> {
    const [lost, next] = [this.active, other(this.active)];
    await pull(lost);
    await raise(next);
    await this.tell(next, "active", false);
    this.active = next;
    await pause(AWAY_MS);
    await lower(lost);
    await this.tell(lost, "passive");
    await plug(lost);
    await this.tell(next, "active");
  }

  async close(): Promise<void> {
    for (const road of this.#roads) await road.close();
  }
}
