// numbers.ts — counts, sizes and ages as people read them.
import { describeDuration } from "@lbpair/common";

/** 1234567 is "1,234,567". */
export const showCount = (value: number): string =>
  String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ",");

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** 1536 is "1.5 KiB". */
export function showBytes(value: number): string {
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < SIZES.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toFixed(digits)} ${SIZES[unit]}`;
}

export const showAge = (ms: number | null): string =>
  ms === null ? "never" : `${describeDuration(ms)} ago`;

/** The date and time of a wall clock where the reader is: "2026-11-22 14:50:12". */
export function showWall(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** "0.35 ms", "4.2 ms", "83 ms": a round trip. */
export const showMillis = (ms: number): string =>
  `${ms < 1 ? ms.toFixed(2) : ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
