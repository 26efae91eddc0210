// status-lines.ts — the whole of `lbpair status`, composed from its parts.
import {
  type ForwarderStatus,
  type Problem,
  type ReplicationState,
  type ReplicatorStatus,
  type ServiceStatus,
  sameRevision,
} from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { showAge, showCount } from "../render/numbers.js";
import {
  cutLine,
  type Line,
  line,
  lineWidth,
  padLine,
  span,
  type Tone,
  wrapLine,
} from "../render/text.js";
import type { SwitchTimes } from "./measured-switches.js";
import { nodeLines, showRevision } from "./node-lines.js";
import { judgePair, type PairVerdict } from "./pair-verdict.js";
import {
  type NodeView,
  nodesInOrder,
  type PairView,
  statusOf,
  trafficForwarder,
} from "./pair-view.js";
import { problemLines } from "./problem-lines.js";
import { serviceLines } from "./service-lines.js";
import { switchTimesLine } from "./switch-times-line.js";

export interface ViewOptions {
  readonly glyphs: Glyphs;
  /** Columns of the terminal. */
  readonly columns: number;
  /** Whether each port of each server is shown, also where all accept. */
  readonly ports?: boolean;
}

const COLUMNS_MIN = 40;

const LEVELS: Readonly<
  Record<PairVerdict["level"], { readonly tone: Tone; readonly glyph: keyof Glyphs }>
> = {
  good: { tone: "green", glyph: "on" },
  attention: { tone: "yellow", glyph: "some" },
  alarm: { tone: "red", glyph: "bad" },
  unknown: { tone: "grey", glyph: "off" },
};

function topLines(pair: PairView, { glyphs, columns }: ViewOptions): Line[] {
  const { level, text } = judgePair(pair);
  const { tone, glyph } = LEVELS[level];
  const verdict = line(span(`${glyphs[glyph]} ${text}`, tone));
  const at = line(span(pair.at, "dim"));
  if (lineWidth(verdict) + 2 + lineWidth(at) <= columns) {
    return [[...padLine(verdict, columns - lineWidth(at)), ...at]];
  }
  return [...wrapLine(verdict, columns), at];
}

const labelled = (label: string, parts: Line, columns: number): Line[] => {
  const width = 13;
  return wrapLine(parts, columns - width).map((wrapped, index) => [
    ...padLine([span(index === 0 ? label : "", "dim")], width),
    ...wrapped,
  ]);
};

/** "covered 98 of 100 open connections": those that a failover keeps, by the maps as they are now. */
/** "1,312 of 262,144 entries of the connection table, no packet dropped for want of room" */
export function tableLine({ connectionTable: table }: ForwarderStatus): Line {
  if (table === null) return line(span("there is no connection table yet", "dim"));
  const { entries, max, dropped } = table;
  const lost = dropped === 0 ? "no packet" : `${showCount(dropped)} packets`;
  return line(
    `${showCount(entries)} of ${showCount(max)} entries`,
    span(", ", "dim"),
    span(`${lost} dropped for want of room`, dropped === 0 ? "dim" : "yellow"),
  );
}

export function coverageLine(services: readonly ServiceStatus[]): Line {
  const open = services.reduce((sum, service) => sum + service.coverage.open, 0);
  const covered = services.reduce((sum, service) => sum + service.coverage.covered, 0);
  const uncovered = services.filter((service) => !service.coverage.byRule);
  const tone: Tone = covered === open && uncovered.length === 0 ? "green" : "yellow";
  return line(
    span(`covered ${showCount(covered)} of ${showCount(open)} open connections`, tone),
    uncovered.length === 0 || services.length === 0
      ? ""
      : `; not covered by rule: ${uncovered.map((service) => service.label).join(", ")}`,
  );
}

const STATE_TONES: Readonly<Record<ReplicationState, Tone>> = {
  unpaired: "grey",
  "in-sync": "green",
  pending: "yellow",
  pushing: "yellow",
  refused: "red",
  unreachable: "yellow",
  drifted: "red",
};

function replicationLine(replicator: ReplicatorStatus): Line {
  const { peer } = replicator;
  const same = sameRevision(replicator.revision, peer.revision);
  const revision = `, revision ${showRevision(replicator.revision)}`;
  const parts = [
    span(peer.state, STATE_TONES[peer.state]),
    span(same ? `${revision} on both nodes` : revision),
  ];
  if (peer.state !== "unpaired") {
    if (!same) parts.push(span(` here, ${showRevision(peer.revision)} on the peer`));
    parts.push(span(`, last success ${showAge(peer.lastSuccessAgeMs)}`));
  }
  if (peer.reason !== "" && peer.state !== "in-sync") parts.push(span(`: ${peer.reason}`));
  if (peer.nextAttemptInMs !== null && peer.failures > 0) {
    parts.push(
      span(
        `; ${peer.failures} failed, next attempt in ${Math.ceil(peer.nextAttemptInMs / 1000)} s`,
      ),
    );
  }
  return parts;
}

function candidateLines(replicator: ReplicatorStatus, columns: number): Line[] {
  if (!replicator.candidate.differs) return [];
  const wrong = replicator.candidate.problems.filter((one) => one.severity !== "warning").length;
  return labelled(
    "candidate",
    wrong > 0
      ? line(
          span(`saved, not in force, and has ${wrong} problem${wrong === 1 ? "" : "s"}`, "red"),
          ": see lbpair check",
        )
      : line(
          span("saved, not in force", "yellow"),
          ": lbpair plan shows it, lbpair apply puts it in force",
        ),
    columns,
  );
}

/** Problems that daemons report of themselves, and daemons that say nothing. */
function troubleLines(nodes: readonly NodeView[], options: ViewOptions): Line[] {
  const { glyphs, columns } = options;
  const lines: Line[] = [];
  for (const node of nodes) {
    const silent = new Map<string, string[]>();
    const problems: Problem[] = [];
    for (const daemon of ["heartbeat", "forwarder", "replicator"] as const) {
      const heard = node[daemon];
      if (!heard.ok) silent.set(heard.error, [...(silent.get(heard.error) ?? []), daemon]);
      else if ("problems" in heard.status) problems.push(...heard.status.problems);
    }
    for (const [error, daemons] of silent) {
      const named = daemons.length === 3 || daemons.every((daemon) => error.includes(daemon));
      const who = named ? "" : `${daemons.join(" and ")}: `;
      lines.push(line(span(`${glyphs.bad} ${node.name}: `, "red"), `${who}${error}`));
    }
    for (const told of problemLines(problems, glyphs)) {
      const [sign, ...rest] = told;
      lines.push([sign ?? span(""), span(`${node.name}: `), ...rest]);
    }
  }
  return lines.flatMap((one) =>
    wrapLine(one, columns - 2).map((part, index) => (index === 0 ? part : [span("  "), ...part])),
  );
}

/** Everything `lbpair status` prints, for a terminal of `columns` columns. */
export function statusLines(
  pair: PairView,
  options: ViewOptions,
  times: SwitchTimes | null = null,
): Line[] {
  const { glyphs } = options;
  const columns = Math.max(COLUMNS_MIN, options.columns);
  const room = { glyphs, columns };
  const nodes = nodesInOrder(pair);
  const traffic = trafficForwarder(pair);
  const replicator = statusOf(pair.here.replicator);
  const troubles = troubleLines(nodes, room);
  const lines: Line[] = [...topLines(pair, room), [], ...nodeLines(pair, glyphs, columns), []];
  if (traffic === null) lines.push(line(span("services unknown: no forwarder answers", "yellow")));
  else {
    if (statusOf(traffic.node.heartbeat)?.condition === "passive") {
      lines.push(line(span(`as ${traffic.node.name} sees it, which is passive:`, "yellow")));
    }
    lines.push(
      ...serviceLines(traffic.status.services, glyphs, {
        room: columns,
        ports: options.ports === true,
      }),
      [],
    );
    lines.push(...labelled("coverage", coverageLine(traffic.status.services), columns));
    lines.push(...labelled("connections", tableLine(traffic.status), columns));
  }
  if (replicator !== null) {
    lines.push(...labelled("replication", replicationLine(replicator), columns));
    lines.push(...candidateLines(replicator, columns));
  }
  if (times !== null) lines.push(...labelled("worst case", switchTimesLine(times), columns));
  if (troubles.length === 0)
    lines.push(...labelled("problems", line(span("none", "green")), columns));
  else lines.push(line(span("problems", "dim")), ...troubles);
  return lines.map((one) => cutLine(one, columns));
}
