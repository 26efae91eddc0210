// modes-store.ts — etc/modes.yaml on this disk: read, replaced whole, a losing list kept beside.
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type AppliancePaths,
  type ModesConfig,
  NO_MODES,
  ProblemsError,
  parseModes,
  type RevisionId,
  readTextFile,
  replaceFile,
  sameRevision,
} from "@lbpair/common";
import { stringify } from "yaml";
import { normalModes } from "./core/mode-list.js";
import { freeName } from "./kept-files.js";

const HEADER =
  "# Operators' modes, written by `lbpair halt|drain|online`. In force at once, on both nodes.\n";

export interface ModesStore {
  /** Throws ProblemsError where somebody made the file unreadable. */
  read(): Promise<ModesConfig>;
  write(modes: ModesConfig): Promise<void>;
  /** The list both nodes last had in common; null where they never agreed. */
  agreed(): Promise<RevisionId | null>;
  agree(id: RevisionId): Promise<void>;
  /** Keeps the present file beside as `modes.yaml.kept-SERIAL`; returns its path. */
  keep(serial: number): Promise<string | undefined>;
}

export const formatModes = (modes: ModesConfig): string =>
  `${HEADER}${stringify(normalModes(modes), { lineWidth: 0 })}`;

export function createModesStore(paths: AppliancePaths): ModesStore {
  const agreedFile = join(paths.daemonState("replicator"), "agreed-modes.json");
  let lastAgreed: RevisionId | undefined;
  return {
    async read() {
      const text = await readTextFile(paths.modesFile);
      if (text === undefined) return NO_MODES;
      const parsed = parseModes(text, "modes.yaml");
      if (!parsed.ok) throw new ProblemsError(parsed.problems);
      return parsed.value;
    },
    write: (modes) => replaceFile(paths.modesFile, formatModes(modes), { mode: 0o644 }),
    async agreed() {
      const text = await readTextFile(agreedFile);
      try {
        return text === undefined ? null : (JSON.parse(text) as RevisionId);
      } catch {
        return null;
      }
    },
    async agree(id) {
      if (sameRevision(id, lastAgreed ?? null)) return;
      await mkdir(dirname(agreedFile), { recursive: true });
      await replaceFile(agreedFile, `${JSON.stringify(id)}\n`);
      lastAgreed = id;
    },
    async keep(serial) {
      const text = await readTextFile(paths.modesFile);
      if (text === undefined) return undefined;
      // A copy, not a rename: at no moment may a crash leave no list, which would mean all online.
      const kept = await freeName(`${paths.modesFile}.kept-${serial}`);
      await replaceFile(kept, text, { mode: 0o644 });
      return kept;
    },
  };
}
