// judge-candidate.ts — whether files may come into force on this node: parsed, complete, and fit for its networks.
import {
  type ApplianceConfig,
  floatingAddresses,
  judgeFit,
  judgeScripts,
  lineOf,
  ownAddresses,
  type Parsed,
  type Problem,
  parseCandidate,
  parseServices,
  type Run,
  type ServicesConfig,
  understandServices,
} from "@lbpair/common";
import { type ServiceFiles, scriptLabels } from "./core/service-files.js";

const FILE = "services.yaml";

/** The floating addresses of what is in force; none where it cannot be read. */
function floatingIn(files: ServiceFiles): ReadonlySet<string> {
  const parsed = parseServices(files.services, FILE);
  if (!parsed.ok) return new Set();
  return new Set(floatingAddresses(parsed.value).map(({ address }) => address));
}

/**
 * Everything that speaks against `files` on this node. `inForce` is what runs now: its floating
 * addresses may be on an interface because this node is the active one.
 */
export async function judgeCandidate(
  files: ServiceFiles,
  inForce: ServiceFiles,
  node: { readonly run: Run; readonly appliance: ApplianceConfig },
): Promise<Parsed<ServicesConfig>> {
  const parsed = parseCandidate(files.services, FILE);
  const wanted = parsed.ok ? parsed.value : understandServices(files.services);
  const addresses = await ownAddresses(node.run);
  const view = { addresses, appliance: node.appliance, floating: floatingIn(inForce) };
  const beyond = [
    ...judgeScripts(wanted, scriptLabels(files), FILE),
    ...judgeFit(wanted, view, FILE),
  ].map((problem): Problem => {
    const line = lineOf(files.services, problem.path);
    return line === undefined ? problem : { ...problem, line };
  });
  if (parsed.ok && beyond.length === 0) return parsed;
  return { ok: false, problems: [...(parsed.ok ? [] : parsed.problems), ...beyond] };
}
