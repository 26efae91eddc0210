// settings.ts — what the heartbeat reads from disk: the configuration in force and the pair's key.
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  type AppliancePaths,
  contentHash,
  fingerprintOf,
  type Parsed,
  type Problem,
  pingDampingMs,
  type RevisionId,
  type Run,
  type Running,
  readRunningCache,
} from "@lbpair/common/light";
import { NO_REVISION } from "./core/advert.js";
import type { ElectionSettings } from "./core/election-state.js";
import type { PairDigest } from "./core/virtual-mac.js";
import { validateApart, validatedFile } from "./validate-apart.js";

export interface Settings {
  readonly running: Running;
  readonly election: ElectionSettings;
  /** The pair's key, 32 bytes; undefined on a single appliance. */
  readonly key: Buffer | undefined;
  readonly revision: RevisionId;
  readonly modes: RevisionId;
}

export const KEY_BYTES = 32;

function parseKey(text: string | undefined, file: string): Parsed<Buffer> {
  const digits = text?.trim() ?? "";
  if (/^[0-9a-f]{64}$/i.test(digits)) {
    return { ok: true, value: Buffer.from(digits, "hex"), warnings: [] };
  }
  // What came is a secret, or part of one: only its length is shown.
  const got = text === undefined ? "no file" : `${digits.length} characters`;
  const want = `the pair's key, ${KEY_BYTES * 2} hex digits`;
  return { ok: false, problems: [{ code: "secret-missing", path: "", want, got, file }] };
}

/** Reads everything, or tells everything that is wrong. */
export async function loadSettings(paths: AppliancePaths, run: Run): Promise<Parsed<Settings>> {
  const running = await validateApart(paths, run);
  return running.ok ? complete(paths, running.value, running.warnings) : running;
}

/** The same for a start: what was validated before is not validated again, if not a byte has changed. */
export async function loadSettingsQuickly(
  paths: AppliancePaths,
  run: Run,
): Promise<Parsed<Settings>> {
  const fingerprint = await fingerprintOf(paths).catch(() => undefined);
  const file = validatedFile(paths);
  const known = fingerprint && (await readRunningCache(file, fingerprint));
  return known ? complete(paths, known, []) : loadSettings(paths, run);
}

const unreadable = (error: unknown, file: string): Problem => ({
  code: "file-missing",
  path: "",
  want: "a file that can be read",
  got: error instanceof Error ? error.message : String(error),
  file,
});

async function complete(
  paths: AppliancePaths,
  running: Running,
  warnings: readonly Problem[],
): Promise<Parsed<Settings>> {
  const { services, appliance, revision, modes } = running;
  const problems: Problem[] = [];
  let key: Buffer | undefined;
  if (appliance.peer !== undefined) {
    const file = paths.heartbeatKeyFile;
    const text = await readFile(file, "utf8").catch(() => undefined);
    const parsed = parseKey(text, file);
    if (parsed.ok) key = parsed.value;
    else problems.push(...parsed.problems);
  }
  const modesText = await readFile(paths.modesFile, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      problems.push(unreadable(error, paths.modesFile));
    }
    return "";
  });
  if (problems.length > 0) return { ok: false, problems };
  const { keepalive, warntime, deadtime, initdead, lease, loneLease } = services.heartbeat;
  const { autoFailback, healthDamping, whenIsolated, whenVipAnswers } = services.heartbeat;
  const { flapLimit, flapWindow, flapHold } = services.heartbeat;
  return {
    ok: true,
    warnings,
    value: {
      running,
      election: {
        designation: appliance.node.designation,
        paired: appliance.peer !== undefined,
        keepalive,
        warntime,
        deadtime,
        initdead,
        lease,
        loneLease,
        autoFailback,
        healthDamping,
        pingDamping: pingDampingMs(services.heartbeat),
        flapLimit,
        flapWindow,
        flapHold,
        whenIsolated,
        whenVipAnswers,
      },
      key,
      revision: revision ?? NO_REVISION,
      modes: {
        serial: modes.serial,
        hash: contentHash(new Map([["modes.yaml", modesText]])),
      },
    },
  };
}

/** What virtual MACs are made from, where they are wanted: a single appliance has no use for one. */
export function virtualDigest({ key, running }: Settings): PairDigest | undefined {
  if (key === undefined || !running.services.heartbeat.virtualMac) return undefined;
  return (text) => createHmac("sha256", key).update(text).digest();
}

/** Whether the paths to the peer have to be opened anew. */
export function pathsDiffer(a: Settings, b: Settings): boolean {
  const of = ({ running, key }: Settings): string => {
    const { peer, node } = running.appliance;
    const { port, deadtime, warntime } = running.services.heartbeat;
    return JSON.stringify([peer, node, port, deadtime, warntime, key?.toString("hex")]);
  };
  return of(a) !== of(b);
}
