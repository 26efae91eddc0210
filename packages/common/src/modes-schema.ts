// modes-schema.ts — modes.yaml: what operators have halted or drained, on both nodes, and until when.
import { z } from "zod";
import { replicated, section } from "./field.js";
import { SERVICES_MAX } from "./services-schema.js";
import type { ServerMode } from "./status.js";
import { bool, count, label, line, moment, oneOf } from "./value-schemas.js";

export const MODES_MAX = 100_000;
/** Of an operator's words: one line on a screen. */
export const MODE_REASON_CHARACTERS_MAX = 200;
export const MODE_BY_CHARACTERS_MAX = 64;

const modeSchema = section({
  service: replicated("Label of the virtual service", label),
  server: replicated("Label of the real server", label),
  mode: replicated(
    "halt or drain; a server that is online is not listed",
    oneOf(["halt", "drain"]),
  ),
  by: replicated("Who set it", line(MODE_BY_CHARACTERS_MAX).optional()),
  reason: replicated("Why, in that person's words", line(MODE_REASON_CHARACTERS_MAX).optional()),
  since: replicated("When it was set", moment.optional()),
  until: replicated("When it ends by itself: the server is online again", moment.optional()),
  haltWhenEmpty: replicated(
    "Of a drain: whether the server is halted once no connection to it is open",
    bool.optional(),
  ),
  haltAt: replicated("Of a drain: when the server is halted at the latest", moment.optional()),
});

const heldSchema = section({
  service: replicated("Label of the virtual service", label),
  since: replicated("When it went to its fallback", moment.optional()),
  reason: replicated("Why it did", line(MODE_REASON_CHARACTERS_MAX).optional()),
});

export const modesSchema = section({
  serial: replicated("Rises with every change", count(0, Number.MAX_SAFE_INTEGER).default(0)),
  modes: replicated(
    "Every real server that is not online",
    z.array(modeSchema, { error: "a list of modes" }).max(MODES_MAX).default([]),
  ),
  held: replicated(
    "Services with `recovery: manual` that stay on their fallback until they are released",
    z.array(heldSchema, { error: "a list of services that are held" }).max(SERVICES_MAX).optional(),
  ),
});

export type ModesConfig = z.output<typeof modesSchema>;
/** An operator's word on one real server, as it is remembered. */
export type HeldEntry = NonNullable<ModesConfig["held"]>[number];
export type ModeEntry = ModesConfig["modes"][number];

export const NO_MODES: ModesConfig = { serial: 0, modes: [] };

/** An operator's mode of a real server; online where nothing is said. */
export const modeOf = (modes: ModesConfig, service: string, server: string): ServerMode =>
  modes.modes.find((entry) => entry.service === service && entry.server === server)?.mode ??
  "online";
