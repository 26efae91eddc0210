// mode-effect.ts — what a changed mode has done to connections and services, as the forwarder shows it.
import type { ForwarderStatus, ServerMode, ServerStatus, ServiceStatus } from "@lbpair/common";
import type { Context } from "../context.js";
import { readStatus } from "../gather-pair.js";
import { pause } from "../pause.js";
import { type Line, line, span } from "../render/text.js";

/** How long the effect is waited for, so that it can be told. */
const EFFECT_WAIT_MS = 2000;
const EFFECT_POLL_MS = 100;
/** Services told one by one. */
const SERVICES_TOLD_MAX = 8;

export async function look(context: Context): Promise<ForwarderStatus | null> {
  try {
    const heard = readStatus<ForwarderStatus>(
      "forwarder",
      await context.daemons.ask("forwarder", "GET /status", undefined, 2000),
    );
    return heard.ok ? heard.status : null;
  } catch {
    return null;
  }
}

const serversOf = (status: ForwarderStatus, ids: ReadonlySet<string>): ServerStatus[] =>
  status.services.flatMap(({ servers }) => servers.filter(({ id }) => ids.has(id)));

/** The forwarder's view once it follows the mode; null where it does not within the wait. */
export async function lookAfter(
  context: Context,
  ids: readonly string[],
  mode: ServerMode,
): Promise<ForwarderStatus | null> {
  const { clock, signal } = context.world;
  const until = clock.now() + EFFECT_WAIT_MS;
  const meant = new Set(ids);
  for (;;) {
    const seen = await look(context);
    if (seen === null || serversOf(seen, meant).every((server) => server.mode === mode))
      return seen;
    if (clock.now() >= until || signal.aborted) return null;
    await pause(EFFECT_POLL_MS, signal);
  }
}

function answeredBy({ label, servers }: ServiceStatus): string {
  const names = servers
    .filter((one) => one.serving)
    .map((one) => (one.role === "fallback" ? `the fallback server ${one.address}` : one.label));
  return names.length === 0
    ? `no server answers for ${label} now`
    : `${label} is answered by ${names.join(", ")}`;
}

const openOf = (status: ForwarderStatus | null, ids: ReadonlySet<string>): number =>
  status === null
    ? 0
    : serversOf(status, ids).reduce((sum, { openConnections }) => sum + openConnections, 0);

/** "34 open connections are cut; VNA is answered by …" */
export function effectLines(
  ids: readonly string[],
  mode: ServerMode,
  before: ForwarderStatus | null,
  after: ForwarderStatus | null,
): Line[] {
  if (after === null) return [];
  const meant = new Set(ids);
  const services = after.services.filter(({ servers }) => servers.some(({ id }) => meant.has(id)));
  const cut = openOf(before, meant);
  const left = openOf(after, meant);
  const open =
    mode === "halt" && cut > 0
      ? [`${cut} open connections are cut`]
      : mode === "drain"
        ? [`${left} open connections may finish`]
        : [];
  const refused = services.some(({ servers }) => !servers.some((one) => one.serving));
  const told = services.slice(0, SERVICES_TOLD_MAX).map(answeredBy);
  const more = services.length - told.length;
  const parts = [...open, ...told, ...(more > 0 ? [`and ${more} more services`] : [])];
  return [line(span(`  ${parts.join("; ")}`, refused ? "red" : "plain"))];
}
