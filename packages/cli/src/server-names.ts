// server-names.ts — which SERVICE/SERVER names there are, and which one a person probably meant.
import { type AppliancePaths, didYouMean, type ForwarderStatus, loadRunning } from "@lbpair/common";
import type { Daemons } from "./daemons.js";
import { readStatus } from "./gather-pair.js";

/** Names shown where one is wrong. */
const NAMES_SHOWN_MAX = 12;

export interface NamedServer {
  /** `service/server`. */
  readonly id: string;
  readonly address: string;
}

/**
 * All real servers in force: from the forwarder, or from the files where it is away; null where
 * neither can be read.
 */
export async function realServers(
  daemons: Daemons,
  paths: AppliancePaths,
): Promise<readonly NamedServer[] | null> {
  try {
    const heard = readStatus<ForwarderStatus>(
      "forwarder",
      await daemons.ask("forwarder", "GET /status", undefined, 2000),
    );
    if (heard.ok) {
      return heard.status.services.flatMap((service) =>
        service.servers
          .filter((server) => server.role === "real")
          .map(({ id, address }) => ({ id, address })),
      );
    }
  } catch {
    // The files say it too.
  }
  try {
    const running = await loadRunning(paths);
    if (!running.ok) return null;
    return running.value.services.virtualServices.flatMap((service) =>
      service.realServers.map(({ label, address }) => ({
        id: `${service.label}/${label}`,
        address,
      })),
    );
  } catch {
    return null;
  }
}

/** Their names alone. */
export const realServerNames = async (
  daemons: Daemons,
  paths: AppliancePaths,
): Promise<readonly string[] | null> =>
  (await realServers(daemons, paths))?.map(({ id }) => id) ?? null;

/** Why a name cannot be used, with the likely one; null = it can. */
export function judgeServerName(name: string, known: readonly string[]): string | null {
  if (known.includes(name)) return null;
  if (name.endsWith("/fallback")) {
    return `${name}: a fallback server has no mode; halt or drain the real servers instead`;
  }
  const shown = known.slice(0, NAMES_SHOWN_MAX).join(", ");
  const more = known.length > NAMES_SHOWN_MAX ? ` and ${known.length - NAMES_SHOWN_MAX} more` : "";
  const all = known.length === 0 ? "there is no real server" : `there are ${shown}${more}`;
  const inService = known.filter((one) => one.startsWith(`${name}/`));
  const meant = inService.length === 1 ? inService[0] : nearest(name, known);
  return `${name}: want SERVICE/SERVER, ${meant === undefined ? all : `did you mean ${meant}?`}`;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const whole = didYouMean(name, known);
  if (whole !== undefined) return whole;
  // A slip in one half weighs more than in the whole name; and people leave the service out.
  const [service = "", server] = name.split("/");
  if (server === undefined) {
    const meant = didYouMean(
      service,
      known.map((one) => one.split("/")[1] ?? ""),
    );
    return known.find((one) => one.split("/")[1] === meant);
  }
  const services = [...new Set(known.map((one) => one.split("/")[0] ?? ""))];
  const meantService = services.includes(service) ? service : didYouMean(service, services);
  const servers = known.filter((one) => one.startsWith(`${meantService}/`));
  const meant = didYouMean(
    server,
    servers.map((one) => one.slice(one.indexOf("/") + 1)),
  );
  return meant === undefined ? undefined : `${meantService}/${meant}`;
}
