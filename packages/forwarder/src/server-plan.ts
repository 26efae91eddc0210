// server-plan.ts — the configuration and the operators' modes as one list of services and servers.
import {
  type CheckConfig,
  listPorts,
  type ModesConfig,
  type PortRange,
  type ServerMode,
  type ServicesConfig,
  type VirtualService,
} from "@lbpair/common";

/** A server of one virtual service; the fallback server is one too. */
export interface PlannedServer {
  /** `service/server`; the fallback server is `service/fallback`. */
  readonly id: string;
  readonly label: string;
  readonly role: "real" | "fallback";
  readonly address: string;
  /** Port on the server; 0 = the port the client used. */
  readonly port: number;
  readonly weight: number;
  readonly mode: ServerMode;
}

export interface PlannedService {
  readonly label: string;
  readonly address: string;
  readonly ranges: readonly PortRange[];
  /** Every single port, in the order written, each once. */
  readonly ports: readonly number[];
  readonly protocol: "tcp" | "udp" | "both";
  readonly protocols: readonly Protocol[];
  readonly scheduler: VirtualService["scheduler"];
  /** Null where a client need not come back to the server it had. */
  readonly persistence: NonNullable<VirtualService["persistence"]> | null;
  readonly check: CheckConfig;
  /** Real servers in the order written, then the fallback server where there is one. */
  readonly servers: readonly PlannedServer[];
}

export type Protocol = "tcp" | "udp";

export const FALLBACK_LABEL = "fallback";

const protocolsOf = (protocol: "tcp" | "udp" | "both"): readonly Protocol[] =>
  protocol === "both" ? ["tcp", "udp"] : [protocol];

/** What the data plane works from; a server that no mode names is online. */
export function planServices(config: ServicesConfig, modes: ModesConfig): PlannedService[] {
  const modeById = new Map<string, ServerMode>(
    modes.modes.map((entry) => [`${entry.service}/${entry.server}`, entry.mode] as const),
  );
  return config.virtualServices.map((service) => {
    const server = (
      label: string,
      role: PlannedServer["role"],
      address: string,
      port: number,
      weight: number,
    ): PlannedServer => {
      const id = `${service.label}/${label}`;
      return { id, label, role, address, port, weight, mode: modeById.get(id) ?? "online" };
    };
    const { fallback } = service;
    return {
      label: service.label,
      address: service.address,
      ranges: service.ports,
      ports: [...new Set(listPorts(service.ports))],
      protocol: service.protocol,
      protocols: protocolsOf(service.protocol),
      scheduler: service.scheduler,
      persistence: service.persistence ?? null,
      check: service.check,
      servers: [
        ...service.realServers.map((real) =>
          server(real.label, "real", real.address, real.port, real.weight),
        ),
        ...(fallback === undefined
          ? []
          : [server(FALLBACK_LABEL, "fallback", fallback.address, fallback.port, 0)]),
      ],
    };
  });
}

/** The port a client's port becomes on a server. */
export const portOnServer = (server: { readonly port: number }, vipPort: number): number =>
  server.port === 0 ? vipPort : server.port;
