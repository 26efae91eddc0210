// boot.ts — which boot of the machine this is.
import { readFileSync } from "node:fs";

/** The kernel's random name of this boot; empty where there is none, which matches no boot. */
export function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
