// sysctl.ts — adapter: reads and writes /proc/sys, as it looks from this network namespace.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SysctlStatus } from "@lbpair/common";
import { isRight, type KernelSetting, settingStatus } from "./kernel-settings.js";

export interface SysctlReport {
  readonly statuses: readonly SysctlStatus[];
  /** Settings that were wrong and are right now, as `key: was → is`. */
  readonly repaired: readonly string[];
}

const ROOT = "/proc/sys";

async function readSetting(file: string): Promise<string | null> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch {
    // Not in this kernel or namespace; the status says so.
    return null;
  }
}

/** Makes every setting right that is not; what cannot be written is reported, never thrown. */
export async function repairSettings(
  settings: readonly KernelSetting[],
  root: string = ROOT,
): Promise<SysctlReport> {
  const statuses: SysctlStatus[] = [];
  const repaired: string[] = [];
  for (const setting of settings) {
    const file = join(root, ...setting.path);
    let got = await readSetting(file);
    if (got !== null && !isRight(setting, got)) {
      const was = got;
      try {
        await writeFile(file, setting.want);
        got = await readSetting(file);
      } catch {
        // Read-only in containers and namespaces; the status says so.
      }
      if (isRight(setting, got)) repaired.push(`${setting.path.join(".")}: ${was} → ${got}`);
    }
    statuses.push(settingStatus(setting, got));
  }
  return { statuses, repaired };
}
