// config-check.ts — relations between the fields of services.yaml that no single field shows.
import { checkCheck } from "./check-relations.js";
import { formatDuration } from "./duration.js";
import { checkFallbacks } from "./fallback-relations.js";
import { isFallbackLabel } from "./fallbacks.js";
import type { Loose } from "./loose-parse.js";
import type { ModesConfig } from "./modes-schema.js";
import { checkPassages } from "./passage-relations.js";
import { checkOverlaps, checkPortCounts } from "./port-relations.js";
import type { Problem } from "./problems.js";
import type { HeartbeatTimings, RealServer, ServicesConfig } from "./services-schema.js";

type Found = Omit<Problem, "file" | "line">;
type LooseServices = Loose<ServicesConfig>;
type LooseService = Loose<ServicesConfig["virtualServices"][number]>;

/** Relations of the timings that cannot work, with both numbers. */
export function checkTimings(heartbeat: Loose<HeartbeatTimings> | undefined): Found[] {
  if (heartbeat === undefined) return [];
  const { keepalive, warntime, deadtime, initdead, lease, loneLease } = heartbeat;
  const found: Found[] = [];
  const refuse = (name: string, value: number, want: string) =>
    found.push({
      code: "timing",
      path: `heartbeat.${name}`,
      want,
      got: formatDuration(value),
    });
  if (deadtime !== undefined && keepalive !== undefined && deadtime <= 2 * keepalive) {
    refuse("deadtime", deadtime, `more than twice the keepalive of ${formatDuration(keepalive)}`);
  }
  if (warntime !== undefined && deadtime !== undefined && warntime >= deadtime) {
    refuse("warntime", warntime, `less than the deadtime of ${formatDuration(deadtime)}`);
  }
  if (warntime !== undefined && keepalive !== undefined && warntime <= keepalive) {
    refuse("warntime", warntime, `more than the keepalive of ${formatDuration(keepalive)}`);
  }
  if (lease !== undefined && deadtime !== undefined && lease >= deadtime) {
    refuse("lease", lease, `less than the deadtime of ${formatDuration(deadtime)}`);
  }
  if (lease !== undefined && keepalive !== undefined && lease <= 2 * keepalive) {
    refuse("lease", lease, `more than twice the keepalive of ${formatDuration(keepalive)}`);
  }
  if (initdead !== undefined && deadtime !== undefined && initdead < deadtime) {
    refuse("initdead", initdead, `at least the deadtime of ${formatDuration(deadtime)}`);
  } else if (initdead !== undefined && loneLease !== undefined && initdead < loneLease) {
    // A node that hears nothing must not claim while a lone active may still answer ARP by its lease.
    refuse("initdead", initdead, `at least the loneLease of ${formatDuration(loneLease)}`);
  }
  if (loneLease !== undefined && lease !== undefined && loneLease < lease) {
    refuse("loneLease", loneLease, `at least the lease of ${formatDuration(lease)}`);
  }
  return [...found, ...checkHealthTimings(heartbeat)];
}

/** Probes and questions to witnesses are at least 4 and 5 ms apart; this holds a few of each. */
const SUSPICION_MS_LEAST = 20;

/** Relations of the settings for health, flaps and suspicion. */
function checkHealthTimings(heartbeat: Loose<HeartbeatTimings>): Found[] {
  const { keepalive, warntime, deadtime, healthDamping, flapWindow, flapHold } = heartbeat;
  const found: Found[] = [];
  const tell = (name: string, value: number, want: string, severity?: Problem["severity"]) =>
    found.push({
      code: "timing",
      path: `heartbeat.${name}`,
      want,
      got: formatDuration(value),
      ...(severity === undefined ? {} : { severity }),
    });
  if (healthDamping !== undefined && keepalive !== undefined && healthDamping < keepalive) {
    // The peer's health is as old as its last advert: less would compare what is with what was.
    tell("healthDamping", healthDamping, `at least the keepalive of ${formatDuration(keepalive)}`);
  }
  if (flapWindow !== undefined && healthDamping !== undefined && flapWindow <= healthDamping) {
    // Two moves are healthDamping apart at least, so a shorter window never counts a second one.
    const want = `more than the healthDamping of ${formatDuration(healthDamping)}`;
    tell("flapWindow", flapWindow, want);
  }
  if (flapHold !== undefined && healthDamping !== undefined && flapHold < healthDamping) {
    const want = `at least the healthDamping of ${formatDuration(healthDamping)}, or it holds nothing`;
    tell("flapHold", flapHold, want);
  }
  const doubt = warntime === undefined || deadtime === undefined ? undefined : deadtime - warntime;
  if (deadtime !== undefined && doubt !== undefined && doubt > 0 && doubt < SUSPICION_MS_LEAST) {
    const most = formatDuration(Math.max(0, deadtime - SUSPICION_MS_LEAST));
    const want = `at most ${most}, so that a late peer is probed before the deadtime of ${formatDuration(deadtime)}`;
    tell("warntime", warntime ?? 0, want, "warning");
  }
  return found;
}

/** Reports every repetition of a key, naming the place that had it first. */
function duplicates(
  entries: readonly { readonly key: string | undefined; readonly path: string }[],
  what: string,
): Found[] {
  const first = new Map<string, string>();
  const found: Found[] = [];
  for (const { key, path } of entries) {
    if (key === undefined) continue;
    const before = first.get(key);
    if (before === undefined) first.set(key, path);
    else {
      const got = `${JSON.stringify(key)}, which ${before} has already`;
      found.push({ code: "duplicate", path, want: `a ${what} used once`, got });
    }
  }
  return found;
}

function checkLimits(server: Partial<Loose<RealServer>> | undefined, path: string): Found[] {
  const { minConnections: least = 0, maxConnections: most = 0 } = server ?? {};
  if (least === 0 || least < most) return [];
  const want = most === 0 ? "0 without maxConnections" : `less than maxConnections, ${most}`;
  return [{ code: "contradiction", path: `${path}.minConnections`, want, got: `${least}` }];
}

function checkServers(service: LooseService, path: string, floating: ReadonlySet<string>): Found[] {
  const found: Found[] = [];
  const servers = service.realServers ?? [];
  found.push(
    ...duplicates(
      servers.map((server, i) => ({ key: server?.label, path: `${path}.realServers[${i}].label` })),
      "label",
    ),
    ...duplicates(
      servers.map((server, i) => ({
        key:
          server?.address === undefined || server.port === undefined
            ? undefined
            : `${server.address}:${server.port}`,
        path: `${path}.realServers[${i}].address`,
      })),
      "address and port",
    ),
  );
  const named = [
    ...servers.map((server, i) => ({ server, path: `${path}.realServers[${i}]` })),
    { server: service.fallback, path: `${path}.fallback` },
    ...(service.fallbacks ?? []).map((server, i) => ({ server, path: `${path}.fallbacks[${i}]` })),
  ];
  for (const { server, path: place } of named) {
    if (server?.address !== undefined && floating.has(server.address)) {
      const want = "a server's own address, not a floating IP";
      found.push({ code: "contradiction", path: `${place}.address`, want, got: server.address });
    }
    const ports = service.ports ?? [];
    if (server?.port !== undefined && server.port !== 0) {
      const several = ports.length > 1 || ports.some((range) => range?.first !== range?.last);
      if (several) {
        // Legal (a fallback page serves every port), but then replies cannot be told apart by port.
        found.push({
          code: "contradiction",
          severity: "warning",
          path: `${place}.port`,
          want: "0 where a service has several ports: open connections then survive a failover",
          got: `${server.port}`,
        });
      }
    }
  }
  for (const [i, server] of servers.entries()) {
    found.push(...checkLimits(server, `${path}.realServers[${i}]`));
    if (server?.label !== undefined && isFallbackLabel(server.label)) {
      const want = `a label other than '${server.label}', which names a fallback server`;
      found.push({
        code: "contradiction",
        path: `${path}.realServers[${i}].label`,
        want,
        got: JSON.stringify(server.label),
      });
    }
  }
  return found;
}

/** Every relation that does not hold; parts of the file that are wrong by themselves are passed over. */
export function checkServices(config: LooseServices): Found[] {
  const services = config.virtualServices ?? [];
  const floatingIps = config.floatingIps ?? [];
  const floating = new Set([...services, ...floatingIps].flatMap((entry) => entry?.address ?? []));
  const found: Found[] = [
    ...checkTimings(config.heartbeat),
    ...duplicates(
      floatingIps.map((entry, i) => ({ key: entry?.label, path: `floatingIps[${i}].label` })),
      "label",
    ),
    ...duplicates(
      floatingIps.map((entry, i) => ({ key: entry?.address, path: `floatingIps[${i}].address` })),
      "floating IP",
    ),
    ...floatingIps.flatMap((entry, i): Found[] => {
      const service = services.find((each) => each?.address === entry?.address);
      if (entry?.address === undefined || service === undefined) return [];
      const want = "an address besides the virtual services', which follow the active node anyway";
      const got = `${entry.address}, the address of ${service.label ?? "a virtual service"}`;
      return [{ code: "duplicate", path: `floatingIps[${i}].address`, want, got }];
    }),
    ...duplicates(
      services.map((service, i) => ({ key: service?.label, path: `virtualServices[${i}].label` })),
      "label",
    ),
    ...checkOverlaps(services),
    ...(["outbound", "routed"] as const).flatMap((name) =>
      duplicates(
        (config[name] ?? []).map((rule, i) => ({ key: rule?.label, path: `${name}[${i}].label` })),
        "label",
      ),
    ),
    ...checkPassages(config, floating),
  ];
  services.forEach((service, i) => {
    if (service === undefined) return;
    const path = `virtualServices[${i}]`;
    found.push(
      ...checkServers(service, path, floating),
      ...checkCheck(service, path),
      ...checkFallbacks(service, path),
    );
  });
  return [...found, ...checkPortCounts(services)];
}

/** A server that is listed twice: which of its modes holds could only be guessed. */
export const checkModes = (config: Loose<ModesConfig>): Found[] =>
  duplicates(
    (config.modes ?? []).map((entry, i) => ({
      key:
        entry?.service === undefined || entry.server === undefined
          ? undefined
          : `${entry.service}/${entry.server}`,
      path: `modes[${i}].server`,
    })),
    "server",
  );
