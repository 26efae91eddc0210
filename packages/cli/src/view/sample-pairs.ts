// sample-pairs.ts — realistic statuses of a pair, for golden tests and for looking at the views.
import type {
  ForwarderStatus,
  HeartbeatStatus,
  ReplicatorStatus,
  ServerStatus,
  ServiceStatus,
} from "@lbpair/common";
import type { NodeView, PairView } from "./pair-view.js";

const REVISION = { serial: 12, hash: "4f0a1b2c3d4e5f60" } as const;
const AT = "2026-11-22 14:50:12";
const HOUR = 3_600_000;

const server = (fields: Partial<ServerStatus>): ServerStatus => ({
  id: "VNA/PrimaryCluster",
  label: "PrimaryCluster",
  role: "real",
  address: "192.168.100.110",
  port: null,
  weight: 100,
  mode: "online",
  health: "healthy",
  reason: "all 7 ports accept connections",
  healthAgeMs: 3 * HOUR,
  checkedAgeMs: 12_000,
  count: 0,
  countNeeded: 10,
  serving: true,
  openConnections: 34,
  connections: 1204,
  packets: 2_345_678,
  bytes: 1_288_490_189,
  ...fields,
});

const fallback = (fields: Partial<ServerStatus> = {}): ServerStatus =>
  server({
    id: "VNA/fallback",
    label: "fallback",
    role: "fallback",
    address: "192.168.100.120",
    reason: "",
    healthAgeMs: null,
    checkedAgeMs: null,
    countNeeded: 0,
    serving: false,
    openConnections: 0,
    connections: 0,
    packets: 0,
    bytes: 0,
    ...fields,
  });

const service = (fields: Partial<ServiceStatus>): ServiceStatus => ({
  label: "VNA",
  address: "192.168.200.100",
  ports: "12000,12100,12200,12300-12301,12800,12950",
  protocol: "tcp",
  method: "nat",
  scheduler: "weighted-hash",
  colour: "green",
  onFallback: false,
  servers: [server({}), fallback()],
  connections: 1204,
  packets: 2_345_678,
  bytes: 1_288_490_189,
  coverage: { byRule: true, reason: "there is one real server to choose", open: 34, covered: 34 },
  ...fields,
});

export const sampleForwarder = (fields: Partial<ForwarderStatus> = {}): ForwarderStatus => ({
  daemon: "forwarder",
  version: "0.1.0",
  pid: 411,
  upMs: 3 * HOUR,
  revision: REVISION,
  ready: true,
  readyReason: "rules are loaded",
  condition: "active",
  verdicts: { serial: 3, hash: "aa00aa00aa00aa00", unhealthy: [], unknown: [], source: "own" },
  disagreements: [],
  services: [service({})],
  table: { present: true, repairs: 0, lastRepairMs: null },
  sysctls: [{ key: "net.ipv4.ip_forward", want: "1", got: "1", ok: true }],
  problems: [],
  ...fields,
});

export const sampleHeartbeat = (fields: Partial<HeartbeatStatus> = {}): HeartbeatStatus => ({
  daemon: "heartbeat",
  version: "0.1.0",
  pid: 410,
  upMs: 3 * HOUR,
  node: "lb1",
  designation: "primary",
  condition: "active",
  phase: "active",
  sinceMs: 3 * HOUR - 31_000,
  because: "it started and no peer was heard within initdead",
  epoch: "7",
  forwarderReady: true,
  peer: {
    name: "lb2",
    designation: "secondary",
    alive: true,
    condition: "passive",
    heardAgeMs: 120,
    ready: true,
    revision: REVISION,
  },
  paths: [
    {
      local: "192.168.200.1",
      peer: "192.168.200.2",
      state: "hearing",
      heardAgeMs: 120,
      heardByPeer: true,
      sent: 54_000,
      received: 53_998,
      dropped: {},
    },
    {
      local: "192.168.100.1",
      peer: "192.168.100.2",
      state: "hearing",
      heardAgeMs: 118,
      heardByPeer: true,
      sent: 54_000,
      received: 53_999,
      dropped: {},
    },
  ],
  floatingIps: [
    { address: "192.168.200.100", label: "VNA", link: "eth1", held: true },
    { address: "192.168.100.254", label: "gateway", link: "eth0", held: true },
  ],
  lease: { kind: "short", remainingMs: 640 },
  timings: {
    keepaliveMs: 200,
    warntimeMs: 500,
    deadtimeMs: 1000,
    initdeadMs: 31_000,
    leaseMs: 800,
    loneLeaseMs: 30_000,
  },
  lateness: { maxMs: 12, p99Ms: 2 },
  problems: [],
  ...fields,
});

export const sampleReplicator = (fields: Partial<ReplicatorStatus> = {}): ReplicatorStatus => ({
  daemon: "replicator",
  version: "0.1.0",
  pid: 412,
  upMs: 3 * HOUR,
  node: "lb1",
  designation: "primary",
  revision: REVISION,
  modes: { serial: 3, hash: "bb11bb11bb11bb11" },
  candidate: { differs: false, problems: [] },
  peer: {
    state: "in-sync",
    reason: "",
    revision: REVISION,
    modes: { serial: 3, hash: "bb11bb11bb11bb11" },
    lastSuccessAgeMs: 4000,
    nextAttemptInMs: null,
    failures: 0,
  },
  ...fields,
});

const heard = <T>(status: T) => ({ ok: true, status }) as const;

const lb1: NodeView = {
  here: true,
  name: "lb1",
  designation: "primary",
  forwarder: heard(sampleForwarder()),
  heartbeat: heard(sampleHeartbeat()),
  replicator: heard(sampleReplicator()),
};

const passiveHeartbeat = sampleHeartbeat({
  node: "lb2",
  designation: "secondary",
  condition: "passive",
  phase: "passive",
  because: "lb1 is active",
  peer: {
    name: "lb1",
    designation: "primary",
    alive: true,
    condition: "active",
    heardAgeMs: 90,
    ready: true,
    revision: REVISION,
  },
  paths: sampleHeartbeat().paths.map((path) => ({
    ...path,
    local: path.peer,
    peer: path.local,
    heardAgeMs: 90,
  })),
  floatingIps: sampleHeartbeat().floatingIps.map((one) => ({ ...one, held: false })),
  lease: { kind: "none", remainingMs: null },
});

const lb2: NodeView = {
  here: false,
  name: "lb2",
  designation: "secondary",
  forwarder: heard(
    sampleForwarder({
      condition: "passive",
      verdicts: {
        serial: 3,
        hash: "aa00aa00aa00aa00",
        unhealthy: [],
        unknown: [],
        source: "active",
      },
    }),
  ),
  heartbeat: heard(passiveHeartbeat),
  replicator: heard(sampleReplicator({ node: "lb2", designation: "secondary" })),
};

const bothFine: PairView = { at: AT, here: lb1, peer: lb2 };

const away = "not asked: 192.168.100.2:22: no route to host";
const peerAway: PairView = {
  at: AT,
  here: {
    ...lb1,
    heartbeat: heard(
      sampleHeartbeat({
        peer: {
          name: "lb2",
          designation: "secondary",
          alive: false,
          condition: null,
          heardAgeMs: 754_000,
          ready: null,
          revision: REVISION,
        },
        paths: sampleHeartbeat().paths.map((path) => ({
          ...path,
          state: "silent" as const,
          heardAgeMs: 754_000,
          heardByPeer: null,
        })),
        lease: { kind: "long", remainingMs: 29_800 },
      }),
    ),
    replicator: heard(
      sampleReplicator({
        peer: {
          state: "unreachable",
          reason: "192.168.100.2:22: no route to host",
          revision: REVISION,
          modes: null,
          lastSuccessAgeMs: 758_000,
          nextAttemptInMs: 23_400,
          failures: 9,
        },
      }),
    ),
  },
  peer: {
    here: false,
    name: "lb2",
    designation: "secondary",
    forwarder: { ok: false, error: away },
    heartbeat: { ok: false, error: away },
    replicator: { ok: false, error: away },
  },
};

const withServices = (pair: PairView, services: readonly ServiceStatus[]): PairView => ({
  ...pair,
  here: { ...pair.here, forwarder: heard(sampleForwarder({ services })) },
});

const onFallback = withServices(bothFine, [
  service({
    colour: "red",
    onFallback: true,
    servers: [
      server({
        health: "unhealthy",
        reason: "port 12100: connection refused",
        healthAgeMs: 260_000,
        serving: false,
        openConnections: 2,
      }),
      fallback({
        serving: true,
        openConnections: 31,
        connections: 96,
        packets: 9321,
        bytes: 5_242_880,
      }),
    ],
    coverage: { byRule: true, reason: "there is one real server to choose", open: 33, covered: 31 },
  }),
]);

const halted = withServices(bothFine, [
  service({
    colour: "blue",
    onFallback: true,
    servers: [
      server({ mode: "halt", serving: false, openConnections: 0 }),
      fallback({
        serving: true,
        openConnections: 34,
        connections: 34,
        packets: 210,
        bytes: 81_920,
      }),
    ],
  }),
  service({
    label: "PACS-Web",
    address: "192.168.200.101",
    ports: "443",
    colour: "yellow",
    servers: [
      server({
        id: "PACS-Web/web1",
        label: "web1",
        address: "192.168.100.111",
        port: 8443,
        count: 2,
        countNeeded: 3,
        reason: "no answer within 5 s",
      }),
      server({
        id: "PACS-Web/web2",
        label: "web2",
        address: "192.168.100.112",
        port: 8443,
        mode: "drain",
        serving: false,
        openConnections: 7,
        connections: 88_012_345,
        bytes: 99_000_000_000_000,
      }),
      server({
        id: "PACS-Web/web3",
        label: "web3",
        address: "192.168.100.113",
        port: 8443,
        health: "unhealthy",
        serving: false,
        openConnections: 0,
        reason: "exit code 1: \u001b[31mno such study\u001b[0m",
      }),
    ],
    coverage: {
      byRule: true,
      reason: "weighted-hash chooses by the packet alone",
      open: 41,
      covered: 34,
    },
  }),
]);

const daemonDead: PairView = {
  ...bothFine,
  here: {
    ...lb1,
    forwarder: {
      ok: false,
      error:
        "the forwarder does not run: nobody answers on /run/lbpair/forwarder.sock; start it with: systemctl start lbpair-forwarder",
    },
  },
};

const drifted: PairView = {
  ...bothFine,
  here: {
    ...lb1,
    heartbeat: heard(
      sampleHeartbeat({
        problems: [
          {
            code: "peer-refused",
            path: "replication",
            want: "the same revision on both nodes",
            got: "12 (4f0a1b2c) here, 11 (9d8c7b6a) on lb2",
            severity: "warning",
          },
        ],
      }),
    ),
    replicator: heard(
      sampleReplicator({
        candidate: { differs: true, problems: [] },
        peer: {
          state: "drifted",
          reason: "someone changed services.yaml on lb2 by hand",
          revision: { serial: 11, hash: "9d8c7b6a59483726" },
          modes: { serial: 3, hash: "bb11bb11bb11bb11" },
          lastSuccessAgeMs: 86_400_000,
          nextAttemptInMs: null,
          failures: 0,
        },
      }),
    ),
  },
};

/** Every situation a view has to be clear in, by name. */
export const SAMPLE_PAIRS: Readonly<Record<string, PairView>> = {
  "both-fine": bothFine,
  "peer-away": peerAway,
  "on-fallback": onFallback,
  halted,
  "daemon-dead": daemonDead,
  drifted,
  "from-the-secondary": { at: AT, here: { ...lb2, here: true }, peer: { ...lb1, here: false } },
  single: {
    at: AT,
    here: {
      ...lb1,
      heartbeat: heard(
        sampleHeartbeat({ peer: null, paths: [], lease: { kind: "none", remainingMs: null } }),
      ),
    },
    peer: null,
  },
};
