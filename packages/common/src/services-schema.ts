// services-schema.ts — services.yaml: what both nodes of a pair share.
import { z } from "zod";
import { checkSchema } from "./check-schema.js";
import { millis, seconds } from "./duration.js";
import { replicated, section } from "./field.js";
import { outboundSchema, PORT_RANGES_MAX, routedSchema } from "./passage-schema.js";
import {
  PERSISTENCE_NETMASKS,
  PERSISTENCE_TIMEOUTS,
  type PersistenceTimeout,
} from "./persistence.js";
import {
  bool,
  bytesText,
  count,
  duration,
  ipAddress,
  ipv4Address,
  label,
  numberOf,
  oneOf,
  port,
  portRange,
  serverPort,
} from "./value-schemas.js";

export const SERVICES_MAX = 10_000;
export const SERVERS_PER_SERVICE_MAX = 64;
export const FLOATING_IPS_MAX = 1000;
/** Hosts that tell whether this node still reaches the world. */
export const PING_NODES_MAX = 16;
/** Hosts, besides those the configuration names anyway, that must learn of a take over. */
export const NEIGHBOURS_MAX = 64;
/** Fallback servers of one service, asked in order. */
export const FALLBACKS_MAX = 8;
/** Of the built-in page: one file, with its styles and images inside. */
export const PAGE_CHARACTERS_MAX = 65_536;
/** TCP port on which a node's built-in page answers. */
export const PAGE_PORT = 9081;
/** Far above what one machine holds open; a limit beyond the connection table would limit nothing. */
export const CONNECTIONS_OF_SERVER_MAX = 16_777_216;
/** Ports over all services; each is an element of the kernel's maps, and so is a wide range. */
export const PORTS_TOTAL_MAX = 200_000;
/** Ranges of more than a few ports, over all services. */
export const WIDE_RANGES_MAX = 1000;
/** Ports of a service that a connect check opens connections to. */
export const CONNECT_PORTS_MAX = 4096;

const realServerSchema = section({
  label: replicated("Name of the real server, unique in its service", label),
  address: replicated("Its address", ipv4Address),
  port: replicated("Its port; 0 or absent = the port the client used", serverPort.default(0)),
  weight: replicated("Its share of new connections; 0 = drained", count(0, 1000).default(100)),
  maxConnections: replicated(
    "TCP connections of the service at which it gets no new one; 0 = no limit",
    count(0, CONNECTIONS_OF_SERVER_MAX).default(0),
  ),
  minConnections: replicated(
    "Number of them at which it then gets new ones again; 0 = as soon as it is below the maximum",
    count(0, CONNECTIONS_OF_SERVER_MAX).default(0),
  ),
});

const fallbackSchema = section({
  address: replicated("Address of the fallback server", ipv4Address),
  port: replicated("Its port; 0 or absent = the port the client used", serverPort.default(0)),
  check: replicated(
    "How its health is found out; where absent it is not, and the server counts as healthy",
    checkSchema.optional(),
  ),
});

const timeouts = Object.keys(PERSISTENCE_TIMEOUTS) as [PersistenceTimeout, ...PersistenceTimeout[]];

const persistenceSchema = section({
  timeout: replicated(
    "How long a client that opens nothing new keeps its server",
    oneOf(timeouts).default("5m"),
  ),
  netmask: replicated(
    "Leading bits of the client's address that stand for it; clients of one network share a server",
    numberOf(PERSISTENCE_NETMASKS[4]).default(32),
  ),
});

const virtualServiceSchema = section({
  label: replicated("Name of the virtual service, unique", label),
  address: replicated("The virtual IP clients use; follows the active node", ipv4Address),
  ports: replicated(
    "Ports and ranges of ports clients use",
    z
      .array(portRange, { error: "a list of ports and ranges" })
      .min(1, "at least one port")
      .max(PORT_RANGES_MAX, `at most ${PORT_RANGES_MAX} ports and ranges`),
  ),
  protocol: replicated("tcp, udp, or both", oneOf(["tcp", "udp", "both"]).default("tcp")),
  method: replicated("Forwarding method: layer-4 NAT", oneOf(["nat"]).default("nat")),
  scheduler: replicated(
    "How a connection finds its server, by weight: hash of client address and port, hash of the address alone, in turns, or in turns that lean to servers with few connections",
    oneOf([
      "weighted-hash",
      "source-hash",
      "weighted-round-robin",
      "weighted-least-connections",
    ]).default("weighted-hash"),
  ),
  persistence: replicated(
    "Whether a client comes back to the server it had, whatever the scheduler says; absent = no",
    persistenceSchema.optional(),
  ),
  sourceNat: replicated(
    "Whether servers see the service's address instead of the client's: where their answers would not pass this node (one arm)",
    bool.default(false),
  ),
  realServers: replicated(
    "The servers that answer",
    z
      .array(realServerSchema, { error: "a list of real servers" })
      .min(1, "at least one real server")
      .max(SERVERS_PER_SERVICE_MAX, `at most ${SERVERS_PER_SERVICE_MAX} real servers`),
  ),
  fallback: replicated("Answers when no real server may", fallbackSchema.optional()),
  fallbacks: replicated(
    "Instead of `fallback` several, in order: the first that is not unhealthy answers",
    z
      .array(fallbackSchema, { error: "a list of fallback servers" })
      .max(FALLBACKS_MAX, `at most ${FALLBACKS_MAX} fallback servers`)
      .optional(),
  ),
  fallbackPage: replicated(
    "Whether the nodes' built-in HTTP page answers when no real server may and no fallback server is healthy",
    bool.default(false),
  ),
  recovery: replicated(
    "What ends the fallback when a real server is healthy again: that by itself, or an operator (`lbpair release`)",
    oneOf(["automatic", "manual"]).default("automatic"),
  ),
  onReturn: replicated(
    "What becomes of connections to the fallback server when real servers answer again: they finish, or they are cut",
    oneOf(["finish", "cut"]).default("finish"),
  ),
  check: replicated("How the servers' health is found out", checkSchema),
});

const fallbackPageSchema = section({
  html: replicated(
    "The page: one HTML text with all it needs; a plain one where absent",
    bytesText(PAGE_CHARACTERS_MAX).optional(),
  ),
  status: replicated("HTTP status it comes with", count(200, 599).default(503)),
  retryAfter: replicated(
    "When clients are told to come again (Retry-After)",
    duration(1000, 86_400_000, "of 1s to 24h").default(seconds(30)),
  ),
});

const floatingIpSchema = section({
  label: replicated("Name of the floating IP", label),
  address: replicated(
    "An address that follows the active node, e.g. the servers' gateway",
    ipAddress,
  ),
});

const between = (least: number, most: number, want: string, fallback: number) =>
  duration(least, most, want).default(millis(fallback));

const heartbeatSchema = section({
  keepalive: replicated("Interval of adverts", between(10, 10_000, "of 10ms to 10s", 200)),
  warntime: replicated("Silence that is late", between(20, 60_000, "of 20ms to 1m", 500)),
  deadtime: replicated("Silence that is death", between(50, 120_000, "of 50ms to 2m", 1000)),
  initdead: replicated(
    "First wait after start where nothing is heard of the peer",
    between(50, 600_000, "of 50ms to 10m", 31_000),
  ),
  lease: replicated(
    "How long the kernel lets a node answer ARP for floating IPs without its heartbeat, while the peer lives",
    between(30, 120_000, "of 30ms to 2m", 800),
  ),
  loneLease: replicated(
    "The same while the peer is known dead",
    between(1000, 3_600_000, "of 1s to 1h", 30_000),
  ),
  autoFailback: replicated(
    "Whether the primary becomes active again when it is back",
    bool.default(false),
  ),
  port: replicated("UDP port of the heartbeat", port.default(6694)),
  pingNodes: replicated(
    "Hosts that both nodes ping; the node that reaches more of them should be active",
    z
      .array(ipAddress, { error: "a list of addresses" })
      .max(PING_NODES_MAX, `at most ${PING_NODES_MAX} ping nodes`)
      .default([]),
  ),
  healthDamping: replicated(
    "How long the peer's health must be the better one before the role is handed over; 2.5 s and two keepalives at least where only ping nodes differ",
    between(100, 600_000, "of 100ms to 10m", 1000),
  ),
  flapLimit: replicated(
    "Moves of the role by health within flapWindow after which health moves it no more",
    count(1, 100).default(3),
  ),
  flapWindow: replicated(
    "How long such a move counts",
    between(1000, 86_400_000, "of 1s to 24h", 600_000),
  ),
  flapHold: replicated(
    "How long health then moves the role no more; `lbpair clear-flaps` ends it",
    between(1000, 86_400_000, "of 1s to 24h", 1_800_000),
  ),
  whenIsolated: replicated(
    "A passive node that hears nobody on a network of the floating IPs, where the silent peer did: wait, or take over",
    oneOf(["wait", "take-over"]).default("wait"),
  ),
  whenVipAnswers: replicated(
    "The peer is silent, but a floating IP is still answered from its network card: wait, or take over",
    oneOf(["wait", "take-over"]).default("wait"),
  ),
  neighbours: replicated(
    "Hosts besides real servers and routers that are checked for having learnt of a take over",
    z
      .array(ipAddress, { error: "a list of addresses" })
      .max(NEIGHBOURS_MAX, `at most ${NEIGHBOURS_MAX} neighbours`)
      .default([]),
  ),
  virtualMac: replicated(
    "Whether floating IPs have a MAC of their own that moves with them, so that neighbours need not learn anything",
    bool.default(false),
  ),
});

export const servicesSchema = section({
  heartbeat: replicated("Timings of the pair", heartbeatSchema.prefault({})),
  floatingIps: replicated(
    "Addresses besides the virtual services' that follow the active node",
    z
      .array(floatingIpSchema, { error: "a list of floating IPs" })
      .max(FLOATING_IPS_MAX, `at most ${FLOATING_IPS_MAX} floating IPs`)
      .default([]),
  ),
  fallbackPage: replicated(
    "The page of services with `fallbackPage: true`",
    fallbackPageSchema.prefault({}),
  ),
  outbound: replicated(
    "Traffic that real servers begin themselves: it leaves with a floating IP as its source, so that it outlives a failover",
    outboundSchema,
  ),
  routed: replicated(
    "Traffic that passes between the arms as it is; what neither this, outbound nor a service permits is rejected and counted",
    routedSchema,
  ),
  virtualServices: replicated(
    "What clients use",
    z
      .array(virtualServiceSchema, { error: "a list of virtual services" })
      .max(SERVICES_MAX, `at most ${SERVICES_MAX} virtual services`)
      .default([]),
  ),
});

export type ServicesConfig = z.output<typeof servicesSchema>;
export type VirtualService = ServicesConfig["virtualServices"][number];
export type OutboundRule = ServicesConfig["outbound"][number];
export type RoutedRule = ServicesConfig["routed"][number];
export type RealServer = VirtualService["realServers"][number];
export type FallbackServer = NonNullable<VirtualService["fallback"]>;
export type FallbackPage = ServicesConfig["fallbackPage"];
export type HeartbeatTimings = ServicesConfig["heartbeat"];
