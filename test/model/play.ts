// play.ts — the game: one move after the other, and after each the model and real packets have to agree.
import { setTimeout as pause } from "node:timers/promises";
import { mustRun, type Run } from "@lbpair/common";
import { Random } from "../sim/random.js";
import { type Appliance, createAppliance } from "./appliance.js";
import { createDealtHealth, type DealtHealth } from "./dealt-health.js";
import { createFlowMemory, type FlowMemory } from "./flow-memory.js";
import { createHeldConnections, type HeldConnections } from "./held.js";
import { flowKey } from "./model.js";
import { firstSetup, type Move, type MoveKind, nextMove } from "./moves.js";
import type { Ask } from "./prober-main.js";
import { questions } from "./questions.js";
import { type Setup, setupText } from "./setup.js";
import type { Talkers } from "./talkers.js";
import { waitForElements, waitForPins, waitForTable } from "./waits.js";
import { type Wrong, wrongText } from "./wrong.js";

/** Health and repairs take effect by themselves, soon; a reload has taken effect when it answers. */
const SOON_MS = 5000;
/**
 * While conntrack holds a connection that was reset, another one on its ports may be taken to its server
 * (docs/schedulers.md): whoever was asked a moment ago is not asked again.
 */
const RESET_REMEMBERED_MS = 1100;
/** By then the daemon has looked at the connection table once more, whatever happened last. */
const LOOKED_MS = 1500;
/** A client acknowledges its last byte later than this only by mistake; nobody speaks after it. */
const SPEECHLESS_MS = 60;

export interface Outcome {
  readonly steps: number;
  readonly kinds: ReadonlyMap<MoveKind, number>;
  readonly asked: number;
  readonly refused: number;
  readonly held: HeldConnections["counts"];
  /** Longest time until an effect that comes by itself was there. */
  readonly slowestMs: number;
  /** Null where all agreed. */
  readonly trouble: string | null;
}

export interface PlayOptions {
  readonly seed: number;
  readonly steps: number;
  readonly talkers: Talkers;
  /** What the daemon runs commands with. */
  readonly run: Run;
  readonly onProgress: (steps: number) => void;
}

class Game {
  readonly #random: Random;
  readonly #options: PlayOptions;
  readonly #memory: FlowMemory = createFlowMemory();
  readonly #held: HeldConnections;
  readonly #health: DealtHealth;
  readonly #appliance: Appliance;
  readonly #kinds = new Map<MoveKind, number>();
  readonly #askedAt = new Map<string, number>();
  #setup: Setup;
  #asked = 0;
  #refused = 0;
  #slowestMs = 0;

  constructor(options: PlayOptions, health: DealtHealth, appliance: Appliance) {
    this.#random = new Random(options.seed);
    this.#options = options;
    this.#held = createHeldConnections(options.talkers, this.#memory);
    this.#health = health;
    this.#appliance = appliance;
    this.#setup = firstSetup(this.#random);
  }

  async #nft(...words: string[]): Promise<void> {
    await mustRun(this.#options.run, ["nft", ...words]);
  }

  async #begin(): Promise<void> {
    this.#health.set(this.#setup.health);
    await this.#appliance.write(this.#setup);
    await this.#appliance.start();
  }

  async #restart({ next }: Move): Promise<void> {
    await this.#appliance.stop();
    // Without a daemon the kernel goes on as it was left.
    if (this.#random.chance(0.5)) await this.#agree(this.#setup, 0);
    if (next.services === this.#setup.services && this.#random.chance(0.2)) {
      await pause(SPEECHLESS_MS);
      await this.#nft("delete", "table", "ip", "lbpair");
      this.#memory.loseTable();
    }
    await this.#appliance.write(next);
    this.#health.set(next.health);
    await this.#appliance.start();
  }

  /** Answers with how long the effect may take. */
  async #make(move: Move): Promise<number> {
    switch (move.kind) {
      case "configuration":
      case "modes":
        await this.#appliance.write(move.next);
        await this.#appliance.reload();
        return 0;
      case "health":
        this.#health.set(move.next.health);
        return SOON_MS;
      case "restart":
        await this.#restart(move);
        return 0;
      case "refused":
        await this.#appliance.writeNonsense();
        await this.#appliance.reload().then(
          () => Promise.reject(new Error("nonsense was not refused")),
          () => this.#appliance.write(this.#setup),
        );
        return 0;
      case "table-deleted":
        await pause(SPEECHLESS_MS);
        await this.#nft("delete", "table", "ip", "lbpair");
        this.#memory.loseTable();
        await waitForTable(this.#options.run);
        return SOON_MS;
      case "element-deleted":
        if (this.#setup.services.length === 0) return 0;
        await this.#nft("flush", "map", "ip", "lbpair", "services");
        await waitForElements(this.#options.run, "services");
        return SOON_MS;
      case "forgotten":
        await this.#waitUntilCovered();
        await mustRun(this.#options.run, ["conntrack", "-F"]);
        this.#memory.forget();
        return 0;
      default:
        return move.kind satisfies never;
    }
  }

  async #waitUntilCovered(): Promise<void> {
    const { flows } = this.#held;
    const needy = flows.filter((flow) => this.#held.needsPin(this.#setup, flow));
    if (flows.some((flow) => this.#held.persists(this.#setup, flow))) await pause(LOOKED_MS);
    await waitForPins(this.#options.run, needy);
  }

  async #askAll(setup: Setup, asks: readonly Ask[], inForce: boolean): Promise<Wrong[]> {
    if (!inForce) for (const { flow } of asks) this.#memory.doubt(setup, flow);
    const answers = await this.#options.talkers.ask(asks);
    this.#asked += asks.length;
    const wrong = asks.flatMap(({ flow }, i): Wrong[] => {
      const want = this.#memory.right(setup, flow, inForce);
      const got = answers[i] ?? "nothing";
      return want.includes(got) ? [] : [{ what: "flow", flow, want, got }];
    });
    if (wrong.length > 0) return wrong;
    this.#memory.beginRound();
    asks.forEach(({ flow }, i) => {
      const answer = answers[i] ?? "nothing";
      if (answer === "refused") this.#refused += 1;
      this.#memory.note(setup, flow, answer, inForce);
    });
    return [];
  }

  #rested(asks: readonly Ask[]): Ask[] {
    const now = performance.now();
    const rested = asks.filter(({ flow }) => {
      const last = this.#askedAt.get(flowKey(flow));
      return flow.protocol === "udp" || last === undefined || now - last > RESET_REMEMBERED_MS;
    });
    for (const { flow } of rested) this.#askedAt.set(flowKey(flow), now);
    return rested;
  }

  /** Within `withinMs` model and packets agree; throws where they do not. */
  async #agree(setup: Setup, withinMs: number): Promise<void> {
    const asks = this.#rested(questions(this.#random, setup));
    const began = performance.now();
    for (;;) {
      const wrong = await this.#askAll(setup, asks, withinMs === 0);
      const tookMs = performance.now() - began;
      if (wrong.length === 0) {
        if (withinMs > 0) this.#slowestMs = Math.max(this.#slowestMs, tookMs);
        break;
      }
      if (tookMs > withinMs) throw new Error(wrong.map(wrongText).join("\n"));
      await pause(5);
    }
    const wrong = [
      ...(await this.#held.check(setup)),
      ...(await this.#held.open(this.#random, setup, withinMs === 0)),
    ];
    if (wrong.length > 0) throw new Error(wrong.map(wrongText).join("\n"));
  }

  async #step(): Promise<void> {
    const move = nextMove(this.#random, this.#setup);
    this.#kinds.set(move.kind, (this.#kinds.get(move.kind) ?? 0) + 1);
    try {
      const withinMs = await this.#make(move);
      this.#memory.settle(this.#setup, move.next);
      await this.#agree(move.next, withinMs);
      // What came by itself may have been seen before all of it was there; the next move waits for that.
      if (withinMs > 0) await this.#appliance.reload();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const story = `before:\n${setupText(this.#setup)}after "${move.kind}":\n${setupText(move.next)}`;
      throw new Error(`after "${move.kind}":\n${text}\n\n${story}`, { cause: error });
    }
    this.#setup = move.next;
  }

  /** What kernel and daemon have to say, where they are still there to be asked. */
  async #evidence(): Promise<string> {
    const { stdout } = await this.#options.run(["conntrack", "-L"]);
    const events = await this.#appliance.lastEvents();
    return `connections:\n${stdout}events:\n${events}`;
  }

  async play(): Promise<Outcome> {
    const { steps, seed, onProgress } = this.#options;
    let done = 0;
    let trouble: string | null = null;
    try {
      await this.#begin();
      await this.#agree(this.#setup, 0);
      for (; done < steps; done += 1) {
        await this.#step();
        onProgress(done + 1);
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      trouble = `seed ${seed}, step ${done + 1}, ${text}\n${await this.#evidence()}`;
    }
    await this.#appliance.stop();
    return {
      ...{ steps: done, kinds: this.#kinds, asked: this.#asked, refused: this.#refused },
      ...{ held: this.#held.counts, slowestMs: this.#slowestMs, trouble },
    };
  }
}

export async function play(options: PlayOptions): Promise<Outcome> {
  const health = createDealtHealth();
  const appliance = await createAppliance(health, options.run);
  try {
    return await new Game(options, health, appliance).play();
  } finally {
    await appliance.remove();
  }
}
