// node-lines.ts — the two nodes side by side: roles, paths, lease, floating IPs, readiness.
import {
  describeDuration,
  type FloatingIpStatus,
  type HeartbeatStatus,
  type RevisionId,
} from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { type Line, line, lineWidth, padLine, span, wrapLine } from "../render/text.js";
import { healthCell, pathCell } from "./health-cells.js";
import { neighboursCell, witnessCell } from "./network-cells.js";
import { type NodeView, nodesInOrder, type PairView, statusOf } from "./pair-view.js";

const LABEL_WIDTH = 11;
const GAP = 2;
const CELL_WIDTH_MAX = 64;

/** One fact of every node: a label and a cell per node; a cell is one or more paragraphs. */
interface Fact {
  readonly label: string;
  readonly cells: readonly (readonly Line[])[];
}

export const showRevision = (id: RevisionId | null): string =>
  id === null ? "none" : `${id.serial} (${id.hash.slice(0, 8)})`;

/** Share of the connection table from which it is an alarm. */
const NEARLY_FULL = 0.9;

function roleCell(node: NodeView, pair: PairView, glyphs: Glyphs): Line[] {
  const heartbeat = statusOf(node.heartbeat);
  if (heartbeat !== null) {
    const since = ` for ${describeDuration(heartbeat.sinceMs)}`;
    const phase = heartbeat.phase === heartbeat.condition ? "" : `, ${heartbeat.phase}`;
    return heartbeat.condition === "active"
      ? [line(span(`${glyphs.on} ACTIVE`, "green"), since, phase)]
      : [line(span(`${glyphs.off} passive`, "bold"), since, phase)];
  }
  const heard = node.here ? null : (statusOf(pair.here.heartbeat)?.peer ?? null);
  if (heard === null) return [line(span("? unknown", "yellow"))];
  if (!heard.alive) {
    const age =
      heard.heardAgeMs === null
        ? "never heard"
        : `last heard ${describeDuration(heard.heardAgeMs)} ago`;
    return [line(span(`${glyphs.bad} dead`, "red"), `, ${age}`)];
  }
  return [
    line(span(`${glyphs.on} ${heard.condition ?? "unknown"}`, "bold"), ", as its adverts say"),
  ];
}

function floatingCell(
  floating: FloatingIpStatus | undefined,
  active: boolean,
  glyphs: Glyphs,
): Line[] {
  if (floating === undefined) return [];
  const link =
    floating.link === null ? span(" no interface", "red") : span(` ${floating.link}`, "dim");
  const right = floating.held === active;
  const sign = floating.held
    ? span(`${glyphs.held} held`, right ? "green" : "red")
    : span(`${glyphs.off} not held`, right ? "dim" : "red");
  return [line(sign, link)];
}

function leaseCell(heartbeat: HeartbeatStatus): Line[] {
  const { kind, remainingMs } = heartbeat.lease;
  if (kind === "none") return [line(span("none", "dim"))];
  const left = remainingMs === null ? "" : `, ${describeDuration(remainingMs)} left`;
  return [line(`${kind}${left}`)];
}

function forwarderCell(node: NodeView, glyphs: Glyphs): Line[] {
  const forwarder = statusOf(node.forwarder);
  if (forwarder === null) return [line(span(`${glyphs.bad} no answer`, "red"))];
  const lines = forwarder.ready
    ? [
        line(
          span(`${glyphs.on} ready`, "green"),
          span(`, verdicts: ${forwarder.verdicts.source}`, "dim"),
        ),
      ]
    : [line(span(`${glyphs.bad} not ready: ${forwarder.readyReason}`, "red"))];
  if (forwarder.disagreements.length > 0) {
    lines.push(line(span(`own checks differ: ${forwarder.disagreements.join(", ")}`, "yellow")));
  }
  if (!forwarder.table.present) lines.push(line(span("its table is not in the kernel", "red")));
  const { connectionTable: table } = forwarder;
  if (table !== null && table.entries >= table.max * NEARLY_FULL) {
    const text = `connection table ${Math.round((table.entries / table.max) * 100)} % full`;
    lines.push(line(span(`${glyphs.bad} ${text}`, "red")));
  }
  const drifted = forwarder.sysctls.filter((one) => !one.ok);
  for (const one of drifted) {
    lines.push(line(span(`${one.key} is ${one.got ?? "absent"}, want ${one.want}`, "yellow")));
  }
  return lines;
}

function revisionCell(node: NodeView): Line[] {
  const replicator = statusOf(node.replicator);
  const revision = replicator?.revision ?? statusOf(node.forwarder)?.revision ?? null;
  if (replicator === null && revision === null) return [line(span("no answer", "red"))];
  const differs = replicator?.candidate.differs === true;
  return [line(showRevision(revision), ...(differs ? [span(", edited since", "yellow")] : []))];
}

/** Daemons that started within this of each other started together. */
const TOGETHER_MS = 60_000;

function uptimeCell(node: NodeView): Line[] {
  const up = (["heartbeat", "forwarder", "replicator"] as const).flatMap((daemon) => {
    const status = statusOf<{ readonly upMs: number }>(node[daemon]);
    return status === null ? [] : [{ daemon, upMs: status.upMs }];
  });
  const times = up.map((one) => one.upMs);
  if (up.length === 3 && Math.max(...times) - Math.min(...times) < TOGETHER_MS) {
    return [line(span(describeDuration(Math.min(...times)), "dim"))];
  }
  return up.map((one) => line(span(`${one.daemon} ${describeDuration(one.upMs)}`, "dim")));
}

/** Every address that any node knows as floating, in the order first met. */
function floatingAddresses(nodes: readonly NodeView[]): FloatingIpStatus[] {
  const found = new Map<string, FloatingIpStatus>();
  for (const node of nodes) {
    for (const one of statusOf(node.heartbeat)?.floatingIps ?? []) {
      if (!found.has(one.address)) found.set(one.address, one);
    }
  }
  return [...found.values()];
}

const FLOATING_SHOWN_MAX = 8;

function floatingFacts(nodes: readonly NodeView[], glyphs: Glyphs): Fact[] {
  const all = floatingAddresses(nodes);
  const shown = all.length <= FLOATING_SHOWN_MAX ? all : [];
  const facts = shown.map((address) => ({
    label: address.label,
    cells: nodes.map((node) => {
      const heartbeat = statusOf(node.heartbeat);
      const own = heartbeat?.floatingIps.find((one) => one.address === address.address);
      const [first, ...rest] = floatingCell(own, heartbeat?.condition === "active", glyphs);
      return first === undefined ? [] : [[span(`${address.address} `), ...first], ...rest];
    }),
  }));
  if (shown.length > 0 || all.length === 0) return facts;
  const counts = nodes.map((node) => {
    const heartbeat = statusOf(node.heartbeat);
    if (heartbeat === null) return [];
    const held = heartbeat.floatingIps.filter((one) => one.held).length;
    const right = held === (heartbeat.condition === "active" ? all.length : 0);
    return [line(span(`${held} of ${all.length} held`, right ? "plain" : "red"))];
  });
  return [{ label: "floating IPs", cells: counts }];
}

function facts(pair: PairView, nodes: readonly NodeView[], glyphs: Glyphs): Fact[] {
  const ofHeartbeat = (cell: (heartbeat: HeartbeatStatus) => Line[]): (readonly Line[])[] =>
    nodes.map((node) => {
      const heartbeat = statusOf(node.heartbeat);
      return heartbeat === null ? [] : cell(heartbeat);
    });
  const paths = Math.max(0, ...nodes.map((node) => statusOf(node.heartbeat)?.paths.length ?? 0));
  return [
    { label: "role", cells: nodes.map((node) => roleCell(node, pair, glyphs)) },
    { label: "because", cells: ofHeartbeat((heartbeat) => [line(heartbeat.because)]) },
    ...Array.from({ length: paths }, (_, index) => ({
      label: `path ${index + 1}`,
      cells: ofHeartbeat((heartbeat) => pathCell(heartbeat.paths[index], glyphs)),
    })),
    { label: "health", cells: ofHeartbeat((heartbeat) => healthCell(heartbeat, glyphs)) },
    { label: "witness", cells: ofHeartbeat((heartbeat) => witnessCell(heartbeat, glyphs)) },
    { label: "neighbours", cells: ofHeartbeat((heartbeat) => neighboursCell(heartbeat, glyphs)) },
    { label: "lease", cells: ofHeartbeat(leaseCell) },
    ...floatingFacts(nodes, glyphs),
    { label: "forwarder", cells: nodes.map((node) => forwarderCell(node, glyphs)) },
    { label: "revision", cells: nodes.map(revisionCell) },
    { label: "up", cells: nodes.map(uptimeCell) },
  ].filter((fact) => fact.cells.some((cell) => cell.length > 0));
}

const heading = (node: NodeView): Line =>
  line(
    span(node.name, "bold"),
    span(node.designation === null ? "" : ` ${node.designation}`),
    span(node.here ? " (this node)" : "", "dim"),
  );

function layOutFact(fact: Fact, width: number): Line[] {
  const columns = fact.cells.map((cell) =>
    cell.length === 0 ? [line(span("-", "dim"))] : cell.flatMap((part) => wrapLine(part, width)),
  );
  const height = Math.max(...columns.map((column) => column.length));
  return Array.from({ length: height }, (_, row) => {
    const label = padLine(
      [span(row === 0 ? fact.label.slice(0, LABEL_WIDTH) : "", "dim")],
      LABEL_WIDTH,
    );
    const cells = columns.flatMap((column, index) => {
      const cell = column[row] ?? [];
      const last = index === columns.length - 1;
      return [span(" ".repeat(GAP)), ...(last ? cell : padLine(cell, width))];
    });
    return [...label, ...cells];
  }).map((built) => (lineWidth(built) === 0 ? [] : built));
}

/** The facts of all nodes in columns; one under the other where two would be too narrow. */
export function nodeLines(pair: PairView, glyphs: Glyphs, room: number): Line[] {
  const nodes = nodesInOrder(pair);
  const each = Math.floor((room - LABEL_WIDTH) / nodes.length) - GAP;
  if (nodes.length > 1 && each < 26) {
    return nodes.flatMap((node, index) => [
      ...(index === 0 ? [] : [[]]),
      ...columnsOf(pair, [node], glyphs, room - LABEL_WIDTH - GAP),
    ]);
  }
  return columnsOf(pair, nodes, glyphs, Math.min(CELL_WIDTH_MAX, each));
}

const columnsOf = (
  pair: PairView,
  nodes: readonly NodeView[],
  glyphs: Glyphs,
  width: number,
): Line[] => [
  ...layOutFact({ label: "", cells: nodes.map((node) => [heading(node)]) }, width),
  ...facts(pair, nodes, glyphs).flatMap((fact) => layOutFact(fact, width)),
];
