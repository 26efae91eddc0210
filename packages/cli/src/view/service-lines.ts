// service-lines.ts — virtual services and their servers: colours, weights, health, connections.
import {
  describeDuration,
  type ServerStatus,
  type ServiceColour,
  type ServiceStatus,
} from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { showBytes, showCount } from "../render/numbers.js";
import { type Column, type TableRow, table } from "../render/table.js";
import { type Line, line, type Span, span, type Tone } from "../render/text.js";
import { operatorWords } from "./operator-words.js";
import { hasClosedPort, portMatrix } from "./port-matrix.js";

/** From this width on, reasons stand in a column of their own. */
const WIDE_COLUMNS = 140;

const COLOURS: Readonly<
  Record<
    ServiceColour,
    { readonly tone: Tone; readonly glyph: keyof Glyphs; readonly word: string }
  >
> = {
  green: { tone: "green", glyph: "on", word: "in service" },
  yellow: { tone: "yellow", glyph: "some", word: "some down" },
  red: { tone: "red", glyph: "bad", word: "down" },
  blue: { tone: "blue", glyph: "held", word: "halted" },
  grey: { tone: "grey", glyph: "off", word: "unknown" },
};

const NARROW: readonly Column[] = [
  { title: "service / server", shrinksTo: 14 },
  { title: "address", shrinksTo: 21 },
  { title: "weight", align: "right", leaves: 1 },
  { title: "state", shrinksTo: 12 },
  { title: "open", align: "right" },
  { title: "total", align: "right", leaves: 2 },
  { title: "bytes", align: "right", leaves: 3 },
];
const WIDE: readonly Column[] = [...NARROW, { title: "why", shrinksTo: 20 }];

const showAddress = (server: ServerStatus): string => {
  if (server.builtIn === true) return `this node, ${server.port}`;
  if (server.port === null || server.port === 0) return server.address;
  return server.address.includes(":")
    ? `[${server.address}]:${server.port}`
    : `${server.address}:${server.port}`;
};

function serverState(
  server: ServerStatus,
  glyphs: Glyphs,
): { readonly sign: Span; readonly word: Span } {
  const signed = (glyph: string, word: string, tone: Tone, wordTone: Tone = tone) => ({
    sign: span(glyph, tone),
    word: span(word, wordTone),
  });
  if (server.role === "fallback") {
    if (server.serving) return signed(glyphs.on, "answering", "yellow");
    return server.health === "unhealthy"
      ? signed(glyphs.bad, "standby, unhealthy", "red")
      : signed(glyphs.off, "standby", "dim");
  }
  if (server.mode === "halt") return signed(glyphs.held, "halted", "blue");
  if (server.mode === "drain") return signed(glyphs.held, "draining", "blue");
  switch (server.health) {
    case "healthy":
      if (server.full) return signed(glyphs.held, "healthy, full", "yellow");
      return server.weight === 0
        ? signed(glyphs.off, "healthy, no share", "blue")
        : signed(glyphs.on, server.serving ? "healthy" : "healthy, waiting", "green");
    case "unhealthy":
      return signed(glyphs.bad, server.serving ? "unhealthy, serving" : "unhealthy", "red");
    case "unknown":
      return signed(glyphs.off, server.serving ? "unknown, serving" : "unknown", "grey");
    default:
      return server.health satisfies never;
  }
}

const showWeight = (server: ServerStatus): Span => {
  if (server.role === "fallback") return span("");
  if (server.mode !== "online") return span(server.mode, "blue");
  return span(String(server.weight));
};

/** "3 of 10 failures, port 12100: connection refused, for 2 min" */
export function serverReason(server: ServerStatus): string {
  const parts: string[] = [];
  if (server.count > 0) {
    const what = server.health === "healthy" ? "failures" : "successes";
    parts.push(`${server.count} of ${server.countNeeded} ${what}`);
  }
  if (server.reason !== "") parts.push(server.reason);
  if (server.healthAgeMs !== null && server.health !== "unknown") {
    parts.push(`${server.health} for ${describeDuration(server.healthAgeMs)}`);
  }
  if (server.checkedAgeMs !== null)
    parts.push(`checked ${describeDuration(server.checkedAgeMs)} ago`);
  return parts.join(", ");
}

/** "20", or "20/50" where there is a limit. */
const showOpen = ({ openConnections, maxConnections }: ServerStatus): string =>
  maxConnections === null
    ? showCount(openConnections)
    : `${showCount(openConnections)}/${showCount(maxConnections)}`;

/** Whether a narrow view spends a line on the reason. */
const isWorthTelling = (server: ServerStatus): boolean =>
  server.health === "unhealthy" ||
  server.count > 0 ||
  (server.health === "unknown" && server.role === "real");

function serverRows(server: ServerStatus, glyphs: Glyphs, wide: boolean): TableRow[] {
  const { sign, word } = serverState(server, glyphs);
  const cells: Line[] = [
    line("  ", sign, ` ${server.label}`),
    line(showAddress(server)),
    line(showWeight(server)),
    line(word),
    line(showOpen(server)),
    line(showCount(server.connections)),
    line(showBytes(server.bytes)),
  ];
  const words = operatorWords(server);
  const health = serverReason(server);
  const why = (text: string, tone: Tone): TableRow => ({
    indent: 4,
    across: line(span(`${glyphs.why} ${text}`, tone)),
  });
  const said = words === "" ? [] : [why(words, "blue")];
  if (wide) return [{ cells: [...cells, line(span(health, "dim"))] }, ...said];
  return [
    { cells },
    ...said,
    ...(isWorthTelling(server) && health !== "" ? [why(health, "dim")] : []),
  ];
}

function serviceState(service: ServiceStatus): {
  readonly tone: Tone;
  readonly glyph: keyof Glyphs;
  readonly word: string;
} {
  const base = COLOURS[service.colour];
  if (service.held) return { ...base, word: "HELD ON FALLBACK" };
  return service.onFallback ? { ...base, word: "ON FALLBACK" } : base;
}

/** "held for 12 min, web1: no answer; its real servers are healthy again: lbpair release VNA" */
function holdRows({ label, held, hold }: ServiceStatus, glyphs: Glyphs): TableRow[] {
  if (!held) return [];
  const since = hold?.sinceAgeMs ?? null;
  const parts = [
    since === null ? "held" : `held for ${describeDuration(since)}`,
    ...(hold?.reason ? [hold.reason] : []),
  ];
  const mend = `its real servers are healthy: lbpair release ${label}`;
  return [parts.join(", "), mend].map((text) => ({
    indent: 2,
    across: line(span(`${glyphs.why} ${text}`, "yellow")),
  }));
}

const MATRIX_INDENT = 4;

const matrixRows = (
  service: ServiceStatus,
  glyphs: Glyphs,
  { room, ports }: ServiceLinesOptions,
): TableRow[] =>
  ports || hasClosedPort(service)
    ? portMatrix(service, glyphs, room - MATRIX_INDENT).map((across) => ({
        indent: MATRIX_INDENT,
        across,
      }))
    : [];

function serviceRows(
  service: ServiceStatus,
  glyphs: Glyphs,
  options: ServiceLinesOptions,
): TableRow[] {
  const wide = options.room >= WIDE_COLUMNS;
  const { tone, glyph, word } = serviceState(service);
  const open = service.servers.reduce((sum, server) => sum + server.openConnections, 0);
  const { coverage } = service;
  const covered =
    coverage.open === 0
      ? `${coverage.byRule ? "covered by rule" : "not covered by rule"}`
      : `covered ${showCount(coverage.covered)} of ${showCount(coverage.open)}`;
  const how = ` ${glyphs.dot} ${service.method} ${glyphs.dot} ${service.scheduler}`;
  const full = coverage.byRule && coverage.covered === coverage.open;
  return [
    {
      cells: [
        line(span(glyphs[glyph], tone), " ", span(service.label, "bold")),
        line(service.address),
        [],
        line(span(word, tone)),
        line(span(showCount(open), "bold")),
        line(span(showCount(service.connections), "bold")),
        line(span(showBytes(service.bytes), "bold")),
        [],
      ],
    },
    {
      indent: 2,
      across: line(
        span(`${service.protocol} ${service.ports} ${glyphs.dot} `, "dim"),
        span(covered, full ? "dim" : "yellow"),
        span(how, "dim"),
      ),
    },
    ...holdRows(service, glyphs),
    ...service.servers.flatMap((server) => serverRows(server, glyphs, wide)),
    ...matrixRows(service, glyphs, options),
  ];
}

export interface ServiceLinesOptions {
  readonly room: number;
  /** Whether each port is shown even where all accept. */
  readonly ports: boolean;
}

/** All services in one table, so that numbers of different services stand under each other. */
export function serviceLines(
  services: readonly ServiceStatus[],
  glyphs: Glyphs,
  options: ServiceLinesOptions,
): Line[] {
  if (services.length === 0) return [line(span("no virtual services", "dim"))];
  const wide = options.room >= WIDE_COLUMNS;
  const rows = services.flatMap((service, index): TableRow[] => [
    ...(index === 0 ? [] : [{ across: [] }]),
    ...serviceRows(service, glyphs, options),
  ]);
  return table(wide ? WIDE : NARROW, rows, options.room);
}
