// model.ts — who may answer a packet, said again in a few lines that share nothing with the product.
import {
  type Mode,
  type Protocol,
  protocolsOf,
  type Server,
  type Service,
  type Setup,
} from "./setup.js";

/** A client's socket and the VIP's. */
export interface Flow {
  readonly protocol: Protocol;
  readonly client: string;
  readonly clientPort: number;
  readonly vip: string;
  readonly vipPort: number;
}

/** `address:port` of a server. */
export type Place = string;

export type Answer = Place | "refused" | "silence";

export const flowKey = (flow: Flow): string =>
  `${flow.protocol} ${flow.client}:${flow.clientPort} ${flow.vip}:${flow.vipPort}`;

export const serviceOf = ({ services }: Setup, flow: Flow): Service | undefined =>
  services.find(
    (service) =>
      service.vip === flow.vip &&
      service.ports.includes(flow.vipPort) &&
      protocolsOf(service).includes(flow.protocol),
  );

const idOf = (service: Service, server: Server): string => `${service.label}/${server.label}`;

export const modeOf = (setup: Setup, service: Service, server: Server): Mode =>
  setup.modes.get(idOf(service, server)) ?? "online";

const healthOf = (setup: Setup, service: Service, server: Server) =>
  setup.health.get(idOf(service, server)) ?? "unknown";

export const placeOf = (server: Server, vipPort: number): Place =>
  `${server.address}:${server.port === 0 ? vipPort : server.port}`;

/** Real servers first; one never checked only where it is the only one; a fallback last. */
export function servingOf(setup: Setup, service: Service): readonly Server[] {
  const open = service.servers.filter(
    (server) => server.weight > 0 && modeOf(setup, service, server) === "online",
  );
  const healthy = open.filter((server) => healthOf(setup, service, server) === "healthy");
  if (healthy.length > 0) return healthy;
  const [only] = service.servers;
  if (only !== undefined && service.servers.length === 1 && open.length === 1) {
    if (healthOf(setup, service, only) === "unknown") return [only];
  }
  const fallbacks = service.fallbacks.filter(
    (server) => modeOf(setup, service, server) === "online",
  );
  const chosen =
    fallbacks.find((server) => healthOf(setup, service, server) !== "unhealthy") ?? fallbacks[0];
  return chosen === undefined ? [] : [chosen];
}

/** Every answer that is right for the first packet of a flow. */
export function rightAnswers(setup: Setup, flow: Flow): readonly Answer[] {
  const service = serviceOf(setup, flow);
  if (service === undefined) return ["silence"];
  const serving = servingOf(setup, service);
  if (serving.length === 0) return ["refused"];
  return serving.map((server) => placeOf(server, flow.vipPort));
}

const serverAt = (service: Service, flow: Flow, place: Place): Server | undefined =>
  [...service.servers, ...service.fallbacks].find(
    (server) => placeOf(server, flow.vipPort) === place,
  );

/** Whether an open TCP connection to this place goes on: until its server is halted or removed. */
export function tcpGoesOn(setup: Setup, flow: Flow, place: Place): boolean {
  const service = serviceOf(setup, flow);
  const server = service && serverAt(service, flow, place);
  return service !== undefined && server !== undefined && modeOf(setup, service, server) !== "halt";
}

/** Whether a UDP flow stays: with who serves, and with whoever was drained in order. */
export function udpStays(setup: Setup, flow: Flow, place: Place): boolean {
  const service = serviceOf(setup, flow);
  const server = service && serverAt(service, flow, place);
  if (service === undefined || server === undefined) return false;
  const mode = modeOf(setup, service, server);
  if (mode === "halt") return false;
  if (servingOf(setup, service).includes(server)) return true;
  return mode === "drain" || (service.servers.includes(server) && server.weight === 0);
}
