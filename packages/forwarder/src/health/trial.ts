// trial.ts — a check run once for someone who looks: all there is to see of it, and nothing counted.
import { type CheckTrace, type CheckTrial, listPorts, type PortTrial } from "@lbpair/common";
import { CONNECTIONS_AT_ONCE_MAX, tryPort } from "./connect-probe.js";
import type { Probe, ProbeContext } from "./probe.js";
import { serverPorts } from "./question.js";
import type { CheckTarget } from "./types.js";

/** Where a check has no timeout of its own. */
const PORT_WAIT_MS = 2000;
/** Ports of one server that are tried; the rest of a large range says nothing new. */
export const PORTS_TRIED_MAX = CONNECTIONS_AT_ONCE_MAX;

const since = (started: number): number => Math.round((performance.now() - started) * 10) / 10;

/** Every port for itself, all at once. */
async function tryPorts(target: CheckTarget, context: ProbeContext): Promise<PortTrial[]> {
  if (target.protocol === "udp") return [];
  const { check, address: host } = target;
  const waitMs = "timeout" in check ? check.timeout : PORT_WAIT_MS;
  const enders = new Set<() => void>();
  const endAll = () => {
    for (const end of enders) end();
  };
  context.signal.addEventListener("abort", endAll, { once: true });
  const from = context.source === undefined ? {} : { localAddress: context.source };
  const trials = listPorts(serverPorts(target))
    .slice(0, PORTS_TRIED_MAX)
    .map(async (port): Promise<PortTrial> => {
      const started = performance.now();
      const word = await tryPort({ ...from, host, port }, waitMs, enders);
      return { port, accepts: word === undefined, what: word ?? null, tookMs: since(started) };
    });
  const ports = await Promise.all(trials);
  context.signal.removeEventListener("abort", endAll);
  return ports;
}

export async function tryCheck(
  target: CheckTarget,
  probe: Probe,
  context: ProbeContext,
): Promise<CheckTrial> {
  let trace: CheckTrace | null = null;
  const keep = (seen: CheckTrace): void => {
    trace = seen;
  };
  const started = performance.now();
  const run = probe(target, { ...context, trace: keep });
  const ports = tryPorts(target, context);
  const { passed, reason } = await run.result;
  const tookMs = since(started);
  await run.ended;
  const { id, check } = target;
  return { id, type: check.type, passed, reason, tookMs, trace, ports: await ports };
}
