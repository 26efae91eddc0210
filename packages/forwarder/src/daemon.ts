// daemon.ts — wires configuration, checks, kernel and control socket together into one process.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AppliancePaths,
  type Clock,
  type Condition,
  type ControlRoutes,
  type ControlServer,
  coverageByRule,
  createControlServer,
  createEventLog,
  type EventLog,
  type ForwarderStatus,
  formatProblem,
  type Log,
  loadRunning,
  type Problem,
  RefusalError,
  type RevisionId,
  type Run,
  type Running,
  standardRoutes,
} from "@lbpair/common";
import { parseConditionOrder, parseVerdictsOrder } from "./bodies.js";
import { type ConnectionTable, createConnectionTable } from "./conntrack.js";
import { Convergence } from "./convergence.js";
import { DataPlane } from "./data-plane.js";
import { createHealthEngine } from "./health/engine.js";
import type { HealthEngine } from "./health/types.js";
import { createHeartbeatLink, type HeartbeatLink, type Readiness } from "./heartbeat-link.js";
import { createNftTable } from "./nft.js";
import { healthFrom } from "./pool.js";
import { createProvoker } from "./provoker.js";
import { tableName } from "./rules.js";
import { createSnapshotReader, type SnapshotReader } from "./snapshot.js";
import { serviceStatuses } from "./status.js";
import { type TableWatch, watchTable } from "./table-watch.js";
import { readTotals } from "./totals-file.js";

/** Between two looks at interfaces, kernel settings and the table. */
const UPKEEP_MS = 5000;
const FAMILY = 4;

export interface DaemonDeps {
  readonly paths: AppliancePaths;
  readonly clock: Clock;
  readonly run: Run;
  readonly log: Log;
}

const packageVersion = (): string =>
  (
    JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      readonly version: string;
    }
  ).version;

/** Identity of the configuration in force, without who made it and why. */
const shortRevision = (running: Running | null): RevisionId | null => {
  const revision = running?.revision ?? null;
  return revision === null ? null : { serial: revision.serial, hash: revision.hash };
};

/** Everything that exists once a configuration could be read. */
interface Works {
  readonly convergence: Convergence;
  readonly plane: DataPlane;
  readonly engine: HealthEngine;
  readonly snapshots: SnapshotReader;
  readonly connections: ConnectionTable;
  readonly watch: TableWatch;
}

export class ForwarderDaemon {
  readonly #deps: DaemonDeps;
  readonly #version = packageVersion();
  readonly #startedAt;
  readonly #events: EventLog;
  #works: Works | null = null;
  #problems: readonly Problem[] = [];
  #condition: Condition = "passive";
  /** Whether the heartbeat has said anything since this process began. */
  #told = false;
  #heartbeat: HeartbeatLink | null = null;
  #control: ControlServer | null = null;
  #upkeep: NodeJS.Timeout | null = null;

  private constructor(deps: DaemonDeps, events: EventLog) {
    this.#deps = deps;
    this.#startedAt = deps.clock.now();
    this.#events = events;
  }

  static async start(deps: DaemonDeps): Promise<ForwarderDaemon> {
    const { paths, clock, log } = deps;
    const running = await loadRunning(paths);
    const node = running.ok ? running.value.appliance.node.name : "unknown";
    const events = await createEventLog({
      node,
      daemon: "forwarder",
      file: paths.eventsFile("forwarder"),
      wall: clock.wall,
      onDiskError: (error) => log.warn({ error: error.message }, "events cannot be written"),
    });
    const daemon = new ForwarderDaemon(deps, events);
    daemon.#heartbeat = createHeartbeatLink(paths.socket("heartbeat"), () => daemon.#readiness());
    daemon.#control = await createControlServer({
      path: paths.socket("forwarder"),
      routes: daemon.#routes(),
    });
    if (running.ok) await daemon.#begin(running.value);
    else daemon.#refuse(running.problems);
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

  /** The first usable configuration: the kernel is brought to it, then the checks begin. */
  async #begin(running: Running): Promise<number> {
    const { paths, clock, run, log } = this.#deps;
    const event = this.#events.record;
    const { markMask } = running.appliance.kernel;
    const nft = createNftTable(run, { family: FAMILY, markMask });
    const connections = createConnectionTable(run, FAMILY);
    const provoker = createProvoker(markMask, (text) => log.warn({ text }, "provocation failed"));
    const totalsFile = join(paths.daemonState("forwarder"), "totals.json");
    const past = await readTotals(totalsFile);
    const plane = new DataPlane(
      { family: FAMILY, nft, connections, provoker, clock, log, event },
      past,
    );
    const engine = createHealthEngine({
      clock,
      run,
      stateFile: join(paths.daemonState("forwarder"), "verdicts.json"),
      scriptFolder: paths.runningHealthChecks,
      user: running.appliance.checks.user,
      log,
      event,
    });
    const onChange = () => this.#heartbeat?.tell();
    const convergence = new Convergence(
      { paths, totalsFile, run, plane, engine, log, event, onChange },
      running,
    );
    const guarded = (work: Promise<void>) => {
      work.catch((error: unknown) =>
        log.error({ error: String(error) }, "the table is not restored"),
      );
    };
    const watch = watchTable({
      table: tableName(FAMILY),
      isOwn: nft.isOwn,
      onLost: () => guarded(plane.restore(clock.now())),
      onTouched: () => guarded(plane.compare()),
      onTrouble: (text) => log.warn({ text }, "nft monitor"),
    });
    const snapshots = createSnapshotReader({ plane, connections, clock, log });
    this.#works = { convergence, plane, engine, snapshots, connections, watch };
    const changed = await convergence
      .use(running)
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
    try {
      await this.#works?.convergence.upkeep();
    } catch (error) {
      this.#deps.log.error({ error: String(error) }, "upkeep failed; trying again");
    }
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
      works === null ? "the configuration in force cannot be used" : works.convergence.failure;
    return {
      ready: failure === null,
      reason: failure ?? "the rules are loaded",
      verdicts: { serial, hash, unhealthy, unknown },
    };
  }

  #routes(): ControlRoutes {
    return {
      ...standardRoutes({
        status: () => this.status(),
        reload: () => this.#reload(),
        restart: () => this.stop(),
        events: this.#events,
      }),
      "POST /condition": async ({ body }) => {
        const { condition, peerAlive } = parseConditionOrder(body);
        await this.#setCondition(condition, peerAlive);
        return { condition };
      },
      "POST /verdicts": ({ body }) => {
        this.#works?.engine.followActive(parseVerdictsOrder(body));
        return {};
      },
    };
  }

  /** Both a new revision and a changed mode come this way. What cannot be used changes nothing. */
  async #reload(): Promise<{ readonly changed: number }> {
    const running = await loadRunning(this.#deps.paths);
    if (!running.ok) {
      this.#refuse(running.problems);
      throw new RefusalError(
        422,
        "the new configuration cannot be used; the old one stays in force",
        running.problems,
      );
    }
    this.#problems = running.warnings;
    if (this.#works === null) return { changed: await this.#begin(running.value) };
    const { changed } = await this.#works.convergence.use(running.value);
    if (changed > 0) {
      const facts = { elements: changed, revision: running.value.revision };
      this.#events.record(
        "info",
        "configuration-in-force",
        "a new configuration is in force",
        facts,
      );
    }
    return { changed };
  }

  async #setCondition(condition: Condition, peerAlive: boolean): Promise<void> {
    const works = this.#works;
    const stoodDown = condition === "passive" && (this.#condition === "active" || !this.#told);
    const was = this.#condition;
    this.#condition = condition;
    if (works === null) return;
    const first = !this.#told;
    this.#told = true;
    works.engine.setCondition(condition, peerAlive);
    if (was !== condition || first) {
      this.#events.record("info", `node-${condition}`, `this node is ${condition}`, { peerAlive });
    }
    if (stoodDown) {
      await works.plane.forgetConnections(first ? "start as passive" : "the node stood down");
    }
  }

  async status(): Promise<ForwarderStatus> {
    const { clock } = this.#deps;
    const works = this.#works;
    const { ready, reason } = this.#readiness();
    const running = works?.convergence.running ?? null;
    const followed = works?.engine.followed();
    const snapshot = await works?.snapshots.read();
    const own = works?.engine.own() ?? new Map();
    const healthOf = healthFrom(followed ?? { unhealthy: [], unknown: [] });
    const now = clock.now();
    return {
      daemon: "forwarder",
      version: this.#version,
      pid: process.pid,
      upMs: Math.round(now - this.#startedAt),
      revision: shortRevision(running),
      ready,
      readyReason: reason,
      condition: this.#condition,
      verdicts: followed ?? { serial: 0, hash: "", unhealthy: [], unknown: [], source: "memory" },
      disagreements: [...own.values()].flatMap((verdict) =>
        verdict.checkedAt !== null && verdict.health !== healthOf(verdict.id) ? verdict.id : [],
      ),
      services: serviceStatuses({
        distributions: works?.plane.wish?.distributions ?? [],
        coverage: coverageByRule(running?.services.virtualServices ?? []),
        verdicts: own,
        healthOf,
        totals: snapshot?.totals ?? new Map(),
        flows: snapshot?.flows ?? [],
        now,
      }),
      table: works?.plane.table ?? { present: false, repairs: 0, lastRepairMs: null },
      sysctls: works?.convergence.sysctls ?? [],
      problems: this.#problems,
    };
  }

  /** Ends everything of this process and nothing in the kernel. */
  async stop(): Promise<void> {
    if (this.#upkeep !== null) clearInterval(this.#upkeep);
    this.#heartbeat?.stop();
    this.#works?.watch.stop();
    await this.#works?.engine.stop();
    await this.#works?.convergence.idle();
    await this.#control?.close();
    await this.#events.close();
  }
}
