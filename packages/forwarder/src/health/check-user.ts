// check-user.ts — as whom check scripts run: never root, never able to become more.
import type { Run } from "@lbpair/common";

/** Processes the check user may have, all together; ends fork bombs, far above any real need. */
export const CHECK_PROCESSES_MAX = 1024;

export type CheckUser =
  | { readonly ok: true; readonly uid: number; readonly prefix: readonly string[] }
  | { readonly ok: false; readonly reason: string };

const PARENT_DEATH = ["--pdeathsig", "KILL"];
const LIMITS = ["prlimit", `--nproc=${CHECK_PROCESSES_MAX}`, "--core=0"];

async function numberOf(run: Run, flag: "-u" | "-g", user: string): Promise<number | undefined> {
  const result = await run(["id", flag, "--", user]);
  return result.code === 0 && /^\d+\n?$/.test(result.stdout) ? Number(result.stdout) : undefined;
}

/**
 * The words to put before a script. A daemon that is not root cannot become someone else: then
 * scripts run as itself, without its capabilities.
 */
export async function resolveCheckUser(run: Run, user: string): Promise<CheckUser> {
  const ownUid = process.getuid?.() ?? 0;
  if (ownUid !== 0) {
    const less = ["--no-new-privs", "--ambient-caps=-all", "--inh-caps=-all"];
    return { ok: true, uid: ownUid, prefix: ["setpriv", ...less, ...PARENT_DEATH, ...LIMITS] };
  }
  const uid = await numberOf(run, "-u", user);
  const gid = await numberOf(run, "-g", user);
  if (uid === undefined || gid === undefined) {
    return { ok: false, reason: `scripts cannot run: there is no user ${JSON.stringify(user)}` };
  }
  if (uid === 0 || gid === 0) {
    return { ok: false, reason: `scripts never run as root, which ${JSON.stringify(user)} is` };
  }
  const who = ["--reuid", `${uid}`, "--regid", `${gid}`, "--clear-groups", "--no-new-privs"];
  return { ok: true, uid, prefix: ["setpriv", ...who, ...PARENT_DEATH, ...LIMITS] };
}
