// modes-schema.ts — modes.yaml: what operators have halted or drained, on both nodes.
import { z } from "zod";
import { replicated, section } from "./field.js";
import type { ServerMode } from "./status.js";
import { count, label, oneOf } from "./value-schemas.js";

export const MODES_MAX = 100_000;

const modeSchema = section({
  service: replicated("Label of the virtual service", label),
  server: replicated("Label of the real server", label),
  mode: replicated(
    "halt or drain; a server that is online is not listed",
    oneOf(["halt", "drain"]),
  ),
});

export const modesSchema = section({
  serial: replicated("Rises with every change", count(0, Number.MAX_SAFE_INTEGER).default(0)),
  modes: replicated(
    "Every real server that is not online",
    z.array(modeSchema, { error: "a list of modes" }).max(MODES_MAX).default([]),
  ),
});

export type ModesConfig = z.output<typeof modesSchema>;

export const NO_MODES: ModesConfig = { serial: 0, modes: [] };

/** An operator's mode of a real server; online where nothing is said. */
export const modeOf = (modes: ModesConfig, service: string, server: string): ServerMode =>
  modes.modes.find((entry) => entry.service === service && entry.server === server)?.mode ??
  "online";
