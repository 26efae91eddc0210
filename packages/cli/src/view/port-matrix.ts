// port-matrix.ts — each port of each server of a service, as its last check found it.
import { listPorts, parsePortRange, type ServerStatus, type ServiceStatus } from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { type Line, line, type Span, span } from "../render/text.js";

/** More are told in words only. */
const PORTS_SHOWN = 40;
const GAP = 2;

type Known = ServerStatus & { readonly ports: NonNullable<ServerStatus["ports"]> };

/** Servers whose check tells of several ports. */
const knownOf = ({ servers }: ServiceStatus): Known[] =>
  servers.filter((one): one is Known => one.ports !== undefined && one.ports.total > 1);

/** Whether some port of some server does not accept: then the matrix is worth its place unasked. */
export const hasClosedPort = (service: ServiceStatus): boolean =>
  knownOf(service).some(({ ports }) => ports.closed.length > 0);

const portsOf = (service: ServiceStatus): number[] => {
  const ranges = service.ports.split(",").flatMap((text) => parsePortRange(text) ?? []);
  const count = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return count > PORTS_SHOWN ? [] : listPorts(ranges);
};

const centred = (glyph: string, tone: Span["tone"], width: number): Span[] => {
  const before = Math.floor((width - 1) / 2);
  return [span(" ".repeat(before)), span(glyph, tone), span(" ".repeat(width - 1 - before + GAP))];
};

/** One line of ports, one for each server; none where it has nothing to show, or no room. */
export function portMatrix(service: ServiceStatus, glyphs: Glyphs, room: number): Line[] {
  const known = knownOf(service);
  const ports = portsOf(service);
  if (known.length === 0 || ports.length < 2) return [];
  const names = Math.max(...known.map(({ label }) => label.length), "port".length) + GAP;
  const width = Math.max(...ports.map((port) => `${port}`.length));
  if (names + ports.length * (width + GAP) > room) return [];
  const head = ports.map((port) => `${port}`.padEnd(width + GAP)).join("");
  return [
    line(span("port".padEnd(names), "dim"), span(head.trimEnd(), "dim")),
    ...known.map(({ label, ports: { closed } }) => {
      const bad = new Set(closed.map(({ port }) => port));
      const cells = ports.flatMap((port) =>
        bad.has(port) ? centred(glyphs.bad, "red", width) : centred(glyphs.on, "green", width),
      );
      return line(span(label.padEnd(names)), ...cells);
    }),
  ];
}
