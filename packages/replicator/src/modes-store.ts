// modes-store.ts — etc/modes.yaml on this disk: read, replaced whole, a losing list kept beside.
import {
  type AppliancePaths,
  type ModesConfig,
  NO_MODES,
  ProblemsError,
  parseModes,
  readTextFile,
  replaceFile,
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
  /** Keeps the present file beside as `modes.yaml.kept-SERIAL`; returns its path. */
  keep(serial: number): Promise<string | undefined>;
}

export const formatModes = (modes: ModesConfig): string =>
  `${HEADER}${stringify(normalModes(modes), { lineWidth: 0 })}`;

export function createModesStore(paths: AppliancePaths): ModesStore {
  return {
    async read() {
      const text = await readTextFile(paths.modesFile);
      if (text === undefined) return NO_MODES;
      const parsed = parseModes(text, "modes.yaml");
      if (!parsed.ok) throw new ProblemsError(parsed.problems);
      return parsed.value;
    },
    write: (modes) => replaceFile(paths.modesFile, formatModes(modes), { mode: 0o644 }),
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
