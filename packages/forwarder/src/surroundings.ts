// surroundings.ts — wiring: the interfaces that carry services, and the kernel settings they need.
import type { EventLog, Log, Run, Running, SysctlStatus } from "@lbpair/common";
import { AddressList } from "./address-list.js";
import { type Arms, findArms, isVirtual, NO_ARMS } from "./arms.js";
import { kernelSettings } from "./kernel-settings.js";
import { sameValue } from "./same-value.js";
import type { PlannedService } from "./server-plan.js";
import { repairSettings } from "./sysctl.js";

export interface SurroundingsDeps {
  readonly run: Run;
  readonly log: Log;
  readonly event: EventLog["record"];
}

export class Surroundings {
  readonly #deps: SurroundingsDeps;
  /** Of services and servers, for the configuration that was looked at last. */
  #addresses: { readonly of: unknown; readonly list: AddressList } | null = null;
  #arms: Arms = NO_ARMS;
  #sysctls: readonly SysctlStatus[] = [];

  constructor(deps: SurroundingsDeps) {
    this.#deps = deps;
  }

  /** The same list as long as it says the same. */
  get arms(): Arms {
    return this.#arms;
  }

  /** Whether a passive node may be brought packets of open connections. */
  get hasVirtualMac(): boolean {
    return this.#arms.names.some(isVirtual);
  }

  get sysctls(): readonly SysctlStatus[] {
    return this.#sysctls;
  }

  /** Looks at both, and sets what is not as it has to be. */
  async look(running: Running, services: readonly PlannedService[]): Promise<void> {
    await this.#findArms(running, services);
    await this.#settle(running);
  }

  #addressesOf(running: Running, services: readonly PlannedService[]): AddressList {
    if (this.#addresses?.of === running.services) return this.#addresses.list;
    const list = new AddressList([
      ...running.services.floatingIps.map((each) => each.address),
      ...services.flatMap(({ address, servers }) => [
        address,
        ...servers.map((server) => server.address),
      ]),
    ]);
    this.#addresses = { of: running.services, list };
    return list;
  }

  async #findArms(running: Running, services: readonly PlannedService[]): Promise<void> {
    try {
      const list = this.#addressesOf(running, services);
      const arms = await findArms(this.#deps.run, list);
      if (!sameValue(arms, this.#arms)) this.#arms = arms;
    } catch (error) {
      // The rules forward without knowing the arms; they then reject nothing between them.
      const reason = error instanceof Error ? error.message : String(error);
      this.#deps.log.warn({ error: reason }, "interfaces cannot be listed");
    }
  }

  /** Sets and verifies kernel settings; says what it had to repair. */
  async #settle({ appliance }: Running): Promise<void> {
    const { log, event } = this.#deps;
    const size = appliance.kernel.connectionTableSize;
    const { statuses, repaired } = await repairSettings(kernelSettings(this.#arms.names, size));
    const first = this.#sysctls.length === 0;
    this.#sysctls = statuses;
    if (repaired.length === 0) return;
    const text = `${repaired.length} kernel settings were not as forwarding needs them and are set now`;
    // At the first look they are merely the system's own; later somebody changed them back.
    event(first ? "info" : "warn", "kernel-settings-repaired", text, { settings: repaired });
    log.info({ settings: repaired }, "kernel settings repaired");
  }
}
