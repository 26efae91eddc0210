// forwarded-count.ts — how many packets this node's kernel has forwarded since it booted.
import { readFileSync } from "node:fs";

/** The value of `Ip: … ForwDatagrams …` in the text of /proc/net/snmp; undefined where it is not there. */
export function parseSnmp(text: string): number | undefined {
  const [names, values] = text
    .split("\n")
    .filter((line) => line.startsWith("Ip: "))
    .map((line) => line.split(" "));
  const value = Number(values?.[names?.indexOf("ForwDatagrams") ?? -1]);
  return Number.isFinite(value) ? value : undefined;
}

export function parseSnmp6(text: string): number | undefined {
  const value = /^Ip6OutForwDatagrams\s+(\d+)$/m.exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

/** Both families together; undefined where the kernel does not say. A read takes some 50 µs, from no disk. */
export function readForwarded(): number | undefined {
  try {
    const v4 = parseSnmp(readFileSync("/proc/net/snmp", "latin1"));
    const v6 = parseSnmp6(readFileSync("/proc/net/snmp6", "latin1")) ?? 0;
    return v4 === undefined ? undefined : v4 + v6;
  } catch {
    // No such file, or no right to it: then nobody can say.
    return undefined;
  }
}
