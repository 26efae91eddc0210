// stray-processes.ts — finds what a check left running outside its process group, and ends it.
import { readdir, readFile, stat } from "node:fs/promises";

/** In the environment of everything a script starts; the value is `scope/instance/number`. */
export const RUN_MARKER = "LBPAIR_CHECK_RUN";

/** Rounds of looking and killing before a sweep gives up. */
const STRAY_ROUNDS_MAX = 20;

/**
 * Processes whose marker satisfies `isStray`. A process group is not enough: `timeout`, `setsid`
 * and shells with job control leave it, the environment they inherit stays. Only processes of
 * `uid` are looked at; no-new-privs keeps a script's descendants there.
 */
async function findStrays(uid: number, isStray: (marker: string) => boolean): Promise<number[]> {
  const names = await readdir("/proc").catch(() => []);
  const found: number[] = [];
  for (const name of names) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const marker = await markerOf(pid, uid);
    if (marker !== undefined && isStray(marker)) found.push(pid);
  }
  return found;
}

async function markerOf(pid: number, uid: number): Promise<string | undefined> {
  try {
    if ((await stat(`/proc/${pid}`)).uid !== uid) return undefined;
    const environment = await readFile(`/proc/${pid}/environ`, "latin1");
    const entry = environment.split("\0").find((word) => word.startsWith(`${RUN_MARKER}=`));
    return entry?.slice(RUN_MARKER.length + 1);
  } catch {
    // Gone meanwhile, or not ours to look at.
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone meanwhile, which is what was wanted.
  }
}

/** Kills strays until none is found: one that forks while it is looked for is met again. */
async function killStrays(uid: number, isStray: (marker: string) => boolean): Promise<number> {
  let killed = 0;
  for (let round = 0; round < STRAY_ROUNDS_MAX; round += 1) {
    const strays = await findStrays(uid, isStray);
    if (strays.length === 0) break;
    for (const pid of strays) kill(pid);
    killed += strays.length;
  }
  return killed;
}

/** Sweeps one at a time; whoever asks during one waits for another that begins after it asked. */
export class StraySweeper {
  readonly #isStray: (marker: string) => boolean;
  #sweeping: Promise<void> | undefined;
  #again = false;

  constructor(isStray: (marker: string) => boolean) {
    this.#isStray = isStray;
  }

  sweep(uid: number): Promise<void> {
    if (this.#sweeping !== undefined) this.#again = true;
    this.#sweeping ??= this.#sweepAll(uid);
    return this.#sweeping;
  }

  async #sweepAll(uid: number): Promise<void> {
    do {
      this.#again = false;
      await killStrays(uid, this.#isStray);
    } while (this.#again);
    this.#sweeping = undefined;
  }
}
