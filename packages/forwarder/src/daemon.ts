// daemon.ts — wires configuration, checks, kernel and control socket together into one process.
import { rm } from "node:fs/promises";
import {
  type Condition,
  type ControlRoutes,
  type ControlServer,
  createControlServer,
  createEventLog,
  createRunningLoader,
  type EventLog,
  type ForwarderStatus,
  formatProblem,
  type Problem,
  RefusalError,
  type Running,
  type RunningLoader,
  standardRoutes,
  VERSION,
} from "@lbpair/common";
import { parseConditionOrder, parseVerdictsOrder } from "./bodies.js";
import { planElements } from "./element-plan-order.js";
import { FLOODED } from "./flow-keeper.js";
import { createHeartbeatLink, type HeartbeatLink, type Readiness } from "./heartbeat-link.js";
import { type PinWatch, watchPins } from "./pin-watch.js";
import { tellReloaded } from "./reload-news.js";
import { tableName } from "./rules.js";
import { workRoutes } from "./work-routes.js";
import {
  createWorks,
  FAMILY,
  NOTHING_TO_TELL,
  type Works,
  type WorksDeps,
  worksStatus,
} from "./works.js";

/** Between two looks at interfaces, kernel settings and the table. */
const UPKEEP_MS = 5000;
/** Looks after which a passive node forgets what a switch has brought it. */
const FLOOD_LOOKS = 12;
const INHERITED =
  "the configuration in force cannot be used; the rules loaded before go on forwarding";

const UNUSABLE = "the configuration in force cannot be used";

export class ForwarderDaemon {
  readonly #deps: WorksDeps;
  readonly #loader: RunningLoader;
  readonly #startedAt;
  readonly #events: EventLog;
  #works: Works | null = null;
  #problems: readonly Problem[] = [];
  #reloading: Promise<unknown> = Promise.resolve();
  /** A table of an earlier life, while this one has no configuration it can use. */
  #inherited = false;
  #condition: Condition = "passive";
  #peerAlive = false;
  #looks = 0;
  /** Whether the heartbeat has said anything since this process began. */
  #told = false;
  #heartbeat: HeartbeatLink | null = null;
  #control: ControlServer | null = null;
  #upkeep: NodeJS.Timeout | null = null;
  #pinWatch: PinWatch | null = null;
  #looking = false;

  private constructor(deps: WorksDeps, events: EventLog, loader: RunningLoader) {
    this.#deps = deps;
    this.#loader = loader;
    this.#startedAt = deps.clock.now();
    this.#events = events;
  }

  static async start(deps: WorksDeps): Promise<ForwarderDaemon> {
    const { paths, clock, log } = deps;
    const loader = createRunningLoader(paths, deps.run, "forwarder");
    const running = await loader.load();
    const node = running.ok ? running.value.appliance.node.name : "unknown";
    const events = await createEventLog({
      node,
      daemon: "forwarder",
      file: paths.eventsFile("forwarder"),
      wall: clock.wall,
      onDiskError: (error) => log.warn({ error: error.message }, "events cannot be written"),
    });
    const daemon = new ForwarderDaemon(deps, events, loader);
    daemon.#heartbeat = createHeartbeatLink(paths.socket("heartbeat"), () => daemon.#readiness());
    daemon.#control = await createControlServer({
      path: paths.socket("forwarder"),
      routes: daemon.#routes(),
    });
    if (running.ok) await daemon.#begin(running.value);
    else await daemon.#standBy(running.problems);
    daemon.#pinWatch = watchPins(() => daemon.#works, log);
    daemon.#upkeep = setInterval(() => void daemon.#lookAround(), UPKEEP_MS);
    return daemon;
  }

  #refuse(problems: readonly Problem[]): void {
    this.#problems = problems;
    const list = problems.map(formatProblem);
    const text = "the configuration in force cannot be used; the kernel is left as it is";
    this.#events.record("alarm", "configuration-refused", text, { problems: list });
    this.#deps.log.error({ problems: list }, text);
  }

  /** Without a configuration, what an earlier life loaded goes on forwarding. */
  async #standBy(problems: readonly Problem[]): Promise<void> {
    this.#refuse(problems);
    const table = tableName(FAMILY).split(" ");
    const listing = await this.#deps.run(["nft", "-t", "list", "table", ...table]);
    this.#inherited = listing.code === 0;
    // What an earlier life wrote would tell a heartbeat that starts now of rules that are gone.
    if (!this.#inherited) await rm(this.#deps.paths.forwarderReadyFile, { force: true });
  }

  /** The first usable configuration: the kernel is brought to it, then the checks begin. */
  async #begin(running: Running): Promise<number> {
    const { log } = this.#deps;
    const works = await createWorks(this.#deps, running, {
      event: this.#events.record,
      onChange: () => this.#heartbeat?.tell(),
    });
    this.#works = works;
    const { convergence, engine } = works;
    await works.page.begin(running.services);
    const changed = await convergence
      .begin()
      .then((applied) => applied.changed)
      .catch((error: unknown) => {
        log.error({ error: String(error) }, "the rules could not be loaded; trying again");
        return 0;
      });
    engine.onChange(() => {
      convergence.request();
      this.#heartbeat?.tell();
    });
    engine.start();
    return changed;
  }

  async #lookAround(): Promise<void> {
    // Where a command hangs, looks would pile up behind it.
    if (this.#looking) return;
    this.#looking = true;
    try {
      await this.#works?.usage.look();
      await this.#works?.convergence.upkeep();
      await this.#forgetFlooded();
    } catch (error) {
      this.#deps.log.error({ error: String(error) }, "upkeep failed; trying again");
    }
    this.#looking = false;
  }

  #readiness(): Readiness {
    const works = this.#works;
    const verdicts = works?.engine.followed() ?? {
      serial: 0,
      hash: "",
      unhealthy: [],
      unknown: [],
    };
    const { serial, hash, unhealthy, unknown } = verdicts;
    const failure =
      works === null ? (this.#inherited ? null : UNUSABLE) : works.convergence.failure;
    return {
      ready: failure === null,
      reason: failure ?? (works === null ? INHERITED : "the rules are loaded"),
      verdicts: { serial, hash, unhealthy, unknown },
    };
  }

  #routes(): ControlRoutes {
    return {
      ...standardRoutes({
        status: () => this.status(),
        reload: () => this.#reloadInTurn(),
        restart: () => this.stop(),
        events: this.#events,
      }),
      ...workRoutes({
        works: () => this.#works,
        condition: () => this.#condition,
        wall: () => this.#deps.clock.wall().getTime(),
      }),
      "POST /condition": async ({ body }) => {
        const { condition, peerAlive } = parseConditionOrder(body);
        await this.#setCondition(condition, peerAlive);
        // Rules that are not there yet know of no condition: it is told again.
        return { condition, taken: this.#told };
      },
      "POST /plan": () => planElements(this.#loader, this.#works?.convergence),
      "POST /verdicts": ({ body }) => {
        this.#works?.engine.followActive(parseVerdictsOrder(body));
        return {};
      },
    };
  }

  /** One after the other, so that what was read last is what is in force last. */
  #reloadInTurn(): Promise<{ readonly changed: number }> {
    const turn = this.#reloading.then(() => this.#reload());
    this.#reloading = turn.catch(() => undefined);
    return turn;
  }

  /** Both a new revision and a changed mode come this way. What cannot be used changes nothing. */
  async #reload(): Promise<{ readonly changed: number }> {
    const running = await this.#loader.load();
    if (!running.ok) {
      this.#refuse(running.problems);
      const text = "the new configuration cannot be used; the old one stays in force";
      throw new RefusalError(422, text, running.problems);
    }
    this.#problems = running.warnings;
    if (this.#works === null) return { changed: await this.#begin(running.value) };
    const { convergence, page } = this.#works;
    // A page is there before connections go to it, and until they no longer do.
    await page.begin(running.value.services);
    const was = convergence.running.appliance;
    const { changed } = await convergence.use(running.value).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new RefusalError(409, `the kernel refused it; the old one stays in force: ${why}`);
    });
    await page.settle(running.value.services);
    tellReloaded(this.#events.record, changed, was, running.value);
    return { changed };
  }

  /**
   * With a virtual MAC open connections pass a passive node too while a switch floods. Nobody would
   * tell it of their ends, and an entry that outlives them could mistake a later one.
   */
  async #forgetFlooded(): Promise<void> {
    this.#looks += 1;
    const works = this.#works;
    if (this.#looks % FLOOD_LOOKS !== 0 || works?.convergence.hasVirtualMac !== true) return;
    const passive = () => this.#condition === "passive" && this.#peerAlive;
    if (this.#told && passive()) await works.plane.connections.forget(FLOODED, passive);
  }

  async #setCondition(condition: Condition, peerAlive: boolean): Promise<void> {
    const works = this.#works;
    const stoodDown = condition === "passive" && (this.#condition === "active" || !this.#told);
    const was = this.#condition;
    this.#condition = condition;
    this.#peerAlive = peerAlive;
    if (works === null) return;
    const first = !this.#told;
    this.#told = true;
    works.engine.setCondition(condition, peerAlive);
    works.pins.setCondition(condition, peerAlive);
    works.convergence.setActive(condition === "active");
    if (was !== condition || first) {
      this.#events.record("info", `node-${condition}`, `this node is ${condition}`, { peerAlive });
    }
    if (stoodDown) {
      const why = first ? "start as passive" : "the node stood down";
      await works.plane.connections.forget(why, () => this.#condition === "passive");
    }
  }

  async status(): Promise<ForwarderStatus> {
    const now = this.#deps.clock.now();
    const { ready, reason: readyReason } = this.#readiness();
    return {
      daemon: "forwarder",
      version: VERSION,
      pid: process.pid,
      upMs: Math.round(now - this.#startedAt),
      condition: this.#condition,
      problems: this.#problems,
      ready,
      readyReason,
      ...(this.#works === null
        ? NOTHING_TO_TELL
        : await worksStatus(this.#works, now, this.#deps.clock.wall().getTime())),
    };
  }

  /** Ends everything of this process and nothing in the kernel. */
  async stop(): Promise<void> {
    if (this.#upkeep !== null) clearInterval(this.#upkeep);
    this.#heartbeat?.stop();
    this.#works?.watch.stop();
    this.#pinWatch?.stop();
    this.#works?.carrier.stop();
    this.#works?.holds.stop();
    await this.#works?.page.stop();
    await this.#works?.engine.stop();
    await this.#works?.convergence.idle();
    await this.#works?.counts.keep();
    await this.#control?.close();
    await this.#events.close();
  }
}
