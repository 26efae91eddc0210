// modality.ts — a machine that takes pictures: dcmtk's C-ECHO and C-STORE against the VIP.
import type { Run, RunResult } from "@lbpair/common";
import { mustRun } from "@lbpair/common";
import { VIP } from "../world/plan.js";
import type { Image } from "./image.js";

export const DICOM_PORT = 12000;
const STORE_MS_MAX = 60_000;

export interface DicomOutcome {
  readonly done: boolean;
  readonly tookMs: number;
  /** What dcmtk said where it failed. */
  readonly said: string;
}

const outcome = (result: RunResult): DicomOutcome => ({
  done: result.code === 0,
  tookMs: result.tookMs,
  said: `${result.stderr}${result.stdout}`.trim(),
});

export interface Modality {
  echo(): Promise<DicomOutcome>;
  store(image: Image): Promise<DicomOutcome>;
  /** Slows what this host sends to so many megabits per second; undefined = as fast as it goes. */
  slowDown(megabits: number | undefined): Promise<void>;
}

/** `namespace` is a host of the lab; `link` its interface. */
export function createModality(run: Run, namespace: string, link: string): Modality {
  const inside = ["ip", "netns", "exec", namespace];
  const titles = ["-aet", "LAB", "-aec", "VNA"];
  return {
    async echo() {
      return outcome(await run([...inside, "echoscu", ...titles, VIP, `${DICOM_PORT}`]));
    },
    async store(image) {
      const argv = ["storescu", ...titles, VIP, `${DICOM_PORT}`, image.file];
      return outcome(await run([...inside, ...argv], { timeoutMs: STORE_MS_MAX }));
    },
    async slowDown(megabits) {
      await run([...inside, "tc", "qdisc", "del", "dev", link, "root"]);
      if (megabits === undefined) return;
      const shape = ["rate", `${megabits}mbit`, "burst", "32kb", "latency", "100ms"];
      const argv = ["tc", "qdisc", "add", "dev", link, "root", "tbf", ...shape];
      await mustRun(run, [...inside, ...argv]);
    },
  };
}
