// hold-teller.ts — adapter: has the services that are to stay on their fallback written down, by way of the replicators.
import { controlRequest, type Log } from "@lbpair/common";
import { firstLine } from "./health/reason-line.js";
import type { HealthEngine } from "./health/types.js";
import type { PlannedService } from "./server-plan.js";

export interface HeldService {
  readonly service: string;
  readonly reason: string | null;
}

/** Those to be written down, with what was found of the first server that is down. */
export const heldServices = (
  services: readonly PlannedService[],
  pending: ReadonlySet<string>,
  own: ReturnType<HealthEngine["own"]>,
): HeldService[] =>
  services
    .filter(({ label }) => pending.has(label))
    .map(({ label, servers }) => {
      const sick = servers.find(({ id }) => own.get(id)?.health === "unhealthy");
      const reason = sick === undefined ? "" : own.get(sick.id)?.reason;
      return { service: label, reason: reason ? firstLine(`${sick?.label}: ${reason}`) : null };
    });

export interface HoldTeller {
  /** All that are held and not written down; told again until the list is empty. */
  tell(services: readonly HeldService[]): void;
  stop(): void;
}

const TIMEOUT_MS = 10_000;
const AGAIN_MS = 1000;

export function createHoldTeller(socket: string, log: Log): HoldTeller {
  let wanted: readonly HeldService[] = [];
  let asking = false;
  let timer: NodeJS.Timeout | undefined;
  const ask = async (): Promise<void> => {
    if (asking || wanted.length === 0) return;
    asking = true;
    clearTimeout(timer);
    try {
      await controlRequest(socket, "POST /hold", { hold: wanted }, { timeoutMs: TIMEOUT_MS });
    } catch (error) {
      log.warn({ error: String(error) }, "a service is held, and that cannot be written down yet");
    }
    asking = false;
    // What was written down comes back as a new configuration, which empties the list.
    if (wanted.length > 0) timer = setTimeout(() => void ask(), AGAIN_MS);
  };
  return {
    tell(services) {
      wanted = services;
      void ask();
    },
    stop() {
      wanted = [];
      clearTimeout(timer);
    },
  };
}
