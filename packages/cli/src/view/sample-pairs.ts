// sample-pairs.ts — realistic statuses of a pair, for golden tests and for looking at the views.
// long: data, one sample after the other.
import type { ServiceStatus } from "@lbpair/common";
import type { NodeView, PairView } from "./pair-view.js";
import {
  SAMPLE_REVISION,
  sampleFallback,
  sampleForwarder,
  sampleHeartbeat,
  sampleReplicator,
  sampleServer,
  sampleService,
} from "./sample-statuses.js";

const AT = "2026-11-22 14:50:12";

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
    revision: SAMPLE_REVISION,
    faults: 0,
    latenessMs: 2,
    clockOffsetMs: -3,
    wireVersion: 2,
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
          revision: SAMPLE_REVISION,
          faults: null,
          latenessMs: null,
          clockOffsetMs: null,
          wireVersion: null,
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
          revision: SAMPLE_REVISION,
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
  sampleService({
    colour: "red",
    onFallback: true,
    servers: [
      sampleServer({
        health: "unhealthy",
        reason: "port 12100: connection refused",
        ports: { total: 7, closed: [{ port: 12100, what: "refused" }] },
        healthAgeMs: 260_000,
        serving: false,
        openConnections: 2,
      }),
      sampleFallback({
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

const heldOnFallback = withServices(bothFine, [
  sampleService({
    colour: "red",
    onFallback: true,
    held: true,
    hold: { sinceAgeMs: 14 * 60_000, reason: "PrimaryCluster: port 12100: connection refused" },
    servers: [
      sampleServer({ serving: false, openConnections: 0, healthAgeMs: 9 * 60_000 }),
      sampleFallback({ health: "unhealthy", reason: "no answer", openConnections: 0 }),
      sampleFallback({
        id: "VNA/fallback-page",
        label: "fallback-page",
        address: "192.168.200.100",
        port: 9081,
        builtIn: true,
        serving: true,
        reason: "the page of this node, on port 9081",
        openConnections: 3,
        connections: 96,
      }),
    ],
  }),
]);

const halted = withServices(bothFine, [
  sampleService({
    colour: "blue",
    onFallback: true,
    servers: [
      sampleServer({
        mode: "halt",
        serving: false,
        openConnections: 0,
        operator: {
          by: "anna",
          reason: "new firmware",
          sinceAgeMs: 48 * 60_000,
          endsInMs: 72 * 60_000,
          haltWhenEmpty: false,
          haltInMs: null,
          openAtFirst: null,
        },
      }),
      sampleFallback({
        serving: true,
        openConnections: 34,
        connections: 34,
        packets: 210,
        bytes: 81_920,
      }),
    ],
  }),
  sampleService({
    label: "PACS-Web",
    address: "192.168.200.101",
    ports: "443",
    colour: "yellow",
    servers: [
      sampleServer({
        id: "PACS-Web/web1",
        label: "web1",
        address: "192.168.100.111",
        port: 8443,
        count: 2,
        countNeeded: 3,
        reason: "no answer within 5 s",
      }),
      sampleServer({
        id: "PACS-Web/web2",
        label: "web2",
        address: "192.168.100.112",
        port: 8443,
        mode: "drain",
        operator: {
          by: "ben",
          reason: null,
          sinceAgeMs: 12 * 60_000,
          endsInMs: null,
          haltWhenEmpty: true,
          haltInMs: 18 * 60_000,
          openAtFirst: 41,
        },
        serving: false,
        openConnections: 7,
        connections: 88_012_345,
        bytes: 99_000_000_000_000,
      }),
      sampleServer({
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
/** A link that flaps, ping nodes of which one is lost, a path that carries one way and one that loses. */
const PINGS = ["192.168.200.254", "192.168.100.253"].map((address) => ({
  address,
  answers: true,
  answeredAgeMs: 400,
}));
const flapping: PairView = {
  at: AT,
  here: {
    ...lb1,
    heartbeat: heard(
      sampleHeartbeat({
        faults: 2,
        faultReasons: ["eth1 has no carrier", "ping node 192.168.200.254 does not answer"],
        pingNodes: PINGS.map((node, i) => ({ ...node, answers: i === 1 })),
        flaps: { moves: 3, limit: 3, heldForMs: 1_500_000 },
        paths: sampleHeartbeat().paths.map((path, i) =>
          i === 0
            ? { ...path, state: "one-way" as const, heardByPeer: false }
            : { ...path, lossPercent: 12.4, peerLossPercent: 3 },
        ),
      }),
    ),
  },
  peer: {
    ...lb2,
    heartbeat: heard({
      ...passiveHeartbeat,
      pingNodes: PINGS,
      flaps: { moves: 3, limit: 3, heldForMs: 1_500_000 },
      paths: passiveHeartbeat.paths.map((path, i) =>
        i === 0
          ? { ...path, state: "silent" as const, heardAgeMs: 42_000 }
          : { ...path, lossPercent: 3, peerLossPercent: 12.4 },
      ),
    }),
  },
};

export const SAMPLE_PAIRS: Readonly<Record<string, PairView>> = {
  "both-fine": bothFine,
  "peer-away": peerAway,
  "on-fallback": onFallback,
  halted,
  "held-on-fallback": heldOnFallback,
  "daemon-dead": daemonDead,
  drifted,
  flapping,
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
