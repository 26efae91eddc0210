// convergence.ts — wiring: configuration, modes and verdicts in, the kernel's table out, again and again.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type {
  AppliancePaths,
  EventLog,
  Log,
  Run,
  Running,
  ServicesConfig,
  SysctlStatus,
} from "@lbpair/common";
import { checkTargets } from "./check-targets.js";
import type { Applied, DataPlane, Wish } from "./data-plane.js";
import { Distributor } from "./distributor.js";
import { healthOfNew } from "./element-plan.js";
import type { ElementChanges } from "./elements.js";
import type { Flow } from "./flow.js";
import type { HealthEngine } from "./health/types.js";
import { type HeldService, heldServices } from "./hold-teller.js";
import { type Holds, NO_HOLDS, stepHolds } from "./holds.js";
import { Load } from "./load.js";
import { healthFrom } from "./pool.js";
import { poolEvents } from "./pool-events.js";
import { type PlannedService, planServices } from "./server-plan.js";
import { Surroundings } from "./surroundings.js";

export interface ConvergenceDeps {
  readonly paths: AppliancePaths;
  readonly run: Run;
  readonly plane: DataPlane;
  readonly engine: HealthEngine;
  readonly log: Log;
  readonly event: EventLog["record"];
  /** Called after readiness may have changed. */
  readonly onChange: () => void;
  /** Services that are held on their fallback and not written down. */
  readonly onHeld: (services: readonly HeldService[]) => void;
}

const message = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const floatingIps = ({ services }: Pick<Running, "services">): readonly string[] => {
  const all = [...services.virtualServices, ...services.floatingIps];
  return [...new Set(all.map((each) => each.address))];
};

/** Both come from texts that are parsed once each: what did not change is the same object. */
const onlyModes = (before: Running, now: Running): boolean =>
  before.services === now.services && before.appliance === now.appliance;

export class Convergence {
  readonly load: Load;
  readonly #deps: ConvergenceDeps;
  readonly #distributor = new Distributor();
  readonly #surroundings: Surroundings;
  #running: Running;
  #services: readonly PlannedService[];
  #floating: readonly string[];
  #failure: string | null = "the rules are not loaded yet";
  #active = false;
  #holds: Holds = NO_HOLDS;
  #wanted = false;
  #busy: Promise<void> | null = null;

  constructor(deps: ConvergenceDeps, running: Running) {
    this.#deps = deps;
    this.load = new Load(deps.event);
    this.#surroundings = new Surroundings(deps);
    this.#running = running;
    this.#services = planServices(running.services, running.modes);
    this.#floating = floatingIps(running);
  }

  get running(): Running {
    return this.#running;
  }

  get services(): readonly PlannedService[] {
    return this.#services;
  }

  /** Whether a passive node may be brought packets of open connections. */
  get hasVirtualMac(): boolean {
    return this.#surroundings.hasVirtualMac;
  }

  get sysctls(): readonly SysctlStatus[] {
    return this.#surroundings.sysctls;
  }

  /** Null while the kernel holds what is wanted; else why this node may not carry traffic. */
  get failure(): string | null {
    if (this.#failure !== null) return this.#failure;
    return this.#deps.plane.table.present ? null : "the table is gone and being loaded again";
  }

  /** The configuration that the kernel is first brought to; it stays wanted where that fails. */
  async begin(): Promise<Applied> {
    this.#deps.engine.update(checkTargets(this.#services));
    return this.#settleAndApply();
  }

  /** Puts another configuration in force; where the kernel refuses it, the old one stays. */
  async use(running: Running): Promise<Applied> {
    const before = this.#running;
    this.#adopt(running);
    try {
      // An operator's mode is waited for by a person, and concerns neither interfaces nor settings.
      return await (onlyModes(before, running) ? this.#apply() : this.#settleAndApply());
    } catch (error) {
      this.#adopt(before);
      this.request();
      throw error;
    }
  }

  /** What another configuration would change in the kernel, were it put in force now. */
  preview(services: ServicesConfig): Promise<ElementChanges> {
    const { engine, plane } = this.#deps;
    const { services: config, modes } = this.#running;
    const planned = planServices(services, modes, { config, services: this.#services });
    const { steered, full } = this.load;
    const held = this.#holds.pending;
    const health = healthOfNew(engine.followed(), engine.own(), checkTargets(planned));
    const input = { services: planned, health, steered, held, full };
    const distributions = this.#distributor.preview(input);
    const floating = floatingIps({ services });
    return plane.preview(this.#wishOf(distributions, floating, services));
  }

  /** The checks learn of it first, so that a server they have never seen counts as unknown. */
  #adopt(running: Running): void {
    const config = this.#running.services;
    const services = this.#services;
    this.#services = planServices(running.services, running.modes, { config, services });
    const sameServices = config === running.services;
    this.#running = running;
    if (sameServices) return;
    this.#floating = floatingIps(running);
    this.#deps.engine.update(checkTargets(this.#services));
  }

  async #settleAndApply(): Promise<Applied> {
    await this.#surroundings.look(this.#running, this.#services);
    return this.#apply();
  }

  #wish(): Wish {
    const services = this.#services;
    const health = this.#deps.engine.followed();
    this.#holds = stepHolds(this.#holds, services, healthFrom(health), this.#active);
    const { steered, full } = this.load;
    const held = this.#holds.pending;
    const distributions = this.#distributor.distribute({ services, health, steered, held, full });
    return this.#wishOf(distributions, this.#floating, this.#running.services);
  }

  #wishOf(
    distributions: Wish["distributions"],
    floatingIps: readonly string[],
    { outbound, routed }: ServicesConfig,
  ): Wish {
    const { names, networks } = this.#surroundings.arms;
    const passages = { outbound, routed, networks };
    return { distributions, floatingIps, arms: names, passages };
  }

  /** Whether this node is active: then it holds services on their fallback. */
  setActive(active: boolean): void {
    if (this.#active === active) return;
    this.#active = active;
    if (!active) this.load.forgetFull();
    this.request();
  }

  /**
   * Leans the services that ask for it to servers with few of these connections, and sends new ones
   * past servers that have reached their maximum.
   */
  async steer(flows: readonly Flow[]): Promise<void> {
    const { plane } = this.#deps;
    if (!this.load.look(plane.wish?.distributions ?? [], flows)) return;
    // Where the kernel refused something, the next change of it brings the weights too.
    if (this.#failure === null) await plane.apply(this.#wish(), false);
  }

  async #apply(): Promise<Applied> {
    const { plane } = this.#deps;
    const before = plane.wish?.distributions ?? [];
    const wish = this.#wish();
    this.#tellHeld();
    try {
      const applied = await plane.apply(wish);
      await this.#succeeded();
      this.#report(before, wish, applied);
      return applied;
    } catch (error) {
      await this.#failed(message(error));
      throw error;
    } finally {
      this.#deps.onChange();
    }
  }

  #tellHeld(): void {
    const { engine, onHeld } = this.#deps;
    const { pending } = this.#holds;
    onHeld(pending.size === 0 ? [] : heldServices(this.#services, pending, engine.own()));
  }

  #report(before: Wish["distributions"], wish: Wish, applied: Applied): void {
    const { event, log } = this.#deps;
    if (applied.loaded) {
      event("info", "table-loaded", "the table was loaded whole", { elements: applied.changed });
    }
    const known = new Set(before);
    const changed = wish.distributions.filter((each) => !known.has(each));
    for (const each of poolEvents(before, changed)) {
      event(each.level, each.event, each.text, each.facts);
    }
    if (applied.changed > 0) {
      log.info({ elements: applied.changed, loaded: applied.loaded }, "kernel changed");
    }
  }

  async #succeeded(): Promise<void> {
    if (this.#failure === null) return;
    this.#failure = null;
    const file = this.#deps.paths.forwarderReadyFile;
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${process.pid}\n`);
    } catch (error) {
      this.#deps.log.error({ error: message(error) }, "the ready file cannot be written");
    }
  }

  async #failed(reason: string): Promise<void> {
    const { event, paths } = this.#deps;
    if (this.#failure !== reason) {
      event("alarm", "apply-failed", `the kernel refused the rules: ${reason}`, { reason });
    }
    this.#failure = reason;
    await rm(paths.forwarderReadyFile, { force: true }).catch(() => undefined);
  }

  /** Asks for the kernel to be brought up to date; many requests while one runs become one. */
  request(): void {
    this.#wanted = true;
    this.#busy ??= this.#work();
  }

  async #work(): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false;
      try {
        await this.#apply();
      } catch (error) {
        // Said as an event; the next round of upkeep tries again.
        this.#deps.log.error({ error: message(error) }, "the kernel could not be changed");
      }
    }
    this.#busy = null;
  }

  /** Regular look at what others may have changed: interfaces, settings, the table itself. */
  async upkeep(): Promise<void> {
    const { plane } = this.#deps;
    const before = this.#surroundings.arms;
    await this.#surroundings.look(this.#running, this.#services);
    if (this.#failure !== null || this.#surroundings.arms !== before) this.request();
    else await plane.compareAtLeisure();
    await plane.connections.settle();
  }

  /** Resolves when nothing is being changed any more. */
  async idle(): Promise<void> {
    await this.#busy;
  }
}
