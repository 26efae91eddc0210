// ports.ts — ports and port ranges of a virtual service.

/** An inclusive range of ports; a single port has `first` equal to `last`. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const PORT_MIN = 1;
export const PORT_MAX = 65_535;

const isPort = (value: number): boolean =>
  Number.isInteger(value) && value >= PORT_MIN && value <= PORT_MAX;

/** 12000, "12000" or "12300-12301"; undefined where it is none. */
export function parsePortRange(value: number | string): PortRange | undefined {
  if (typeof value === "number") return isPort(value) ? { first: value, last: value } : undefined;
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value.trim());
  if (match?.[1] === undefined) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return isPort(first) && isPort(last) && first <= last ? { first, last } : undefined;
}

export const formatPortRange = (range: PortRange): string =>
  range.first === range.last ? `${range.first}` : `${range.first}-${range.last}`;

export const formatPorts = (ranges: readonly PortRange[]): string =>
  ranges.map(formatPortRange).join(",");

export const portRangesOverlap = (a: PortRange, b: PortRange): boolean =>
  a.first <= b.last && b.first <= a.last;

export const countPorts = (ranges: readonly PortRange[]): number =>
  ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);

/** Ports of a range that the kernel holds one by one; a longer range is one element. */
export const NARROW_PORTS_MAX = 16;

export const isWide = ({ first, last }: PortRange): boolean => last - first + 1 > NARROW_PORTS_MAX;

/** Every single port of the ranges, in the order written. */
export const listPorts = (ranges: readonly PortRange[]): number[] =>
  ranges.flatMap((range) =>
    Array.from({ length: range.last - range.first + 1 }, (_, i) => range.first + i),
  );
