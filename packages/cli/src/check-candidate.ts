// check-candidate.ts — a candidate looked at from every side: alone, with this node, with its firewall.
import { dirname, join, resolve } from "node:path";
import {
  type ApplianceConfig,
  type AppliancePaths,
  type CoverageByRule,
  carryingLinks,
  coverageByRule,
  floatingAddresses,
  judgeFit,
  judgePaths,
  judgeScripts,
  lineOf,
  type OwnAddress,
  ownAddresses,
  type Problem,
  parseAppliance,
  parseCandidate,
  parseModes,
  parseServices,
  type Run,
  readTextFile,
  type ServicesConfig,
  type TimingRow,
  timingTable,
  understandServices,
} from "@lbpair/common";
import { judgeDhcpFiles } from "./host/dhcp-files.js";
import { judgeForeignRules } from "./host/foreign-rules.js";
import { judgeSecrets, kernelRuleset, scriptsIn } from "./host/host-facts.js";
import type { MeasuredSwitches } from "./view/measured-switches.js";

export interface CheckReport {
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
  /** Empty where services.yaml could not be understood. */
  readonly coverage: readonly CoverageByRule[];
  readonly timing: readonly TimingRow[];
  /** What switches really took, the last of each kind; empty where no daemon remembers any. */
  readonly measured: MeasuredSwitches;
  readonly services: ServicesConfig | null;
  /** What could not be looked at, and why. */
  readonly notes: readonly string[];
}

interface Read<T> {
  readonly text: string | undefined;
  readonly value: T | null;
  readonly problems: readonly Problem[];
}

type Parse<T> = (
  text: string,
  file: string,
) =>
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

async function readConfig<T>(file: string, parse: Parse<T>): Promise<Read<T>> {
  let text: string | undefined;
  let got = "none";
  try {
    text = await readTextFile(file);
  } catch (error) {
    got = `one that cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})`;
  }
  if (text === undefined) {
    return {
      text,
      value: null,
      problems: [{ code: "file-missing", path: "", want: "a file", got, file }],
    };
  }
  const parsed = parse(text, file);
  return parsed.ok
    ? { text, value: parsed.value, problems: parsed.warnings }
    : { text, value: null, problems: parsed.problems };
}

/** Floating addresses that this node may hold by right, because they are in force. */
async function addressesInForce(paths: AppliancePaths): Promise<ReadonlySet<string>> {
  const running = await readConfig(paths.runningServicesFile, parseServices);
  const services = running.value;
  return new Set(
    services === null ? [] : floatingAddresses(services).map(({ address }) => address),
  );
}

const explain = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

interface NodeFindings {
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

async function judgeFirewall(
  run: Run,
  services: ServicesConfig,
  appliance: ApplianceConfig | null,
  addresses: readonly OwnAddress[],
): Promise<NodeFindings> {
  try {
    const ruleset = await kernelRuleset(run);
    return { problems: judgeForeignRules(ruleset, { services, appliance, addresses }), notes: [] };
  } catch (error) {
    const note = `other programs' firewall rules were not looked at: ${explain(error)}`;
    return { problems: [], notes: [note] };
  }
}

const withLines = (problems: readonly Problem[], text: string | undefined): Problem[] =>
  problems.map((problem) => {
    const line = text === undefined ? undefined : lineOf(text, problem.path);
    return line === undefined ? problem : { ...problem, line };
  });

async function judgeNode(
  paths: AppliancePaths,
  run: Run,
  services: { readonly file: string; readonly read: Read<ServicesConfig> },
  appliance: Read<ApplianceConfig>,
): Promise<NodeFindings> {
  if (appliance.value === null) {
    return {
      problems: [],
      notes: ["this node's networks were not looked at: no appliance.yaml that can be read"],
    };
  }
  let addresses: OwnAddress[];
  try {
    addresses = await ownAddresses(run);
  } catch (error) {
    return { problems: [], notes: [`this node's addresses were not looked at: ${explain(error)}`] };
  }
  const node = { addresses, appliance: appliance.value, floating: await addressesInForce(paths) };
  const problems = [
    ...withLines(judgePaths(node, paths.applianceFile), appliance.text),
    ...(appliance.value.peer === undefined ? [] : await judgeSecrets(paths)),
  ];
  const wanted = services.read.value;
  const understood = wanted ?? understandServices(services.read.text ?? "");
  problems.push(...withLines(judgeFit(understood, node, services.file), services.read.text));
  problems.push(...(await judgeDhcpFiles(carryingLinks(understood, addresses))));
  if (wanted === null) return { problems, notes: [] };
  const firewall = await judgeFirewall(run, wanted, appliance.value, addresses);
  return { problems: [...problems, ...firewall.problems], notes: firewall.notes };
}

async function judgeScriptFolder(
  services: { readonly file: string; readonly read: Read<ServicesConfig> },
  folder: string,
): Promise<Problem[]> {
  const { names, problems } = await scriptsIn(folder);
  const wanted = services.read.value ?? understandServices(services.read.text ?? "");
  return [
    ...withLines(judgeScripts(wanted, names, services.file), services.read.text),
    ...problems,
  ];
}

/**
 * Checks `file`, or the appliance's own candidate where it is undefined, together with
 * appliance.yaml, modes.yaml, the scripts and this machine. A file from elsewhere brings its own
 * health-checks/ where it has one beside it, and needs no appliance.yaml.
 */
export async function checkCandidate(
  paths: AppliancePaths,
  run: Run,
  file: string | undefined,
  measured: MeasuredSwitches = new Map(),
): Promise<CheckReport> {
  const servicesFile = file === undefined ? paths.servicesFile : resolve(file);
  const [read, appliance, modes] = await Promise.all([
    readConfig(servicesFile, parseCandidate),
    readConfig(paths.applianceFile, parseAppliance),
    readConfig(paths.modesFile, parseModes),
  ]);
  const services = { file: servicesFile, read };
  const beside = join(dirname(servicesFile), "health-checks");
  const foreignFile = file !== undefined && servicesFile !== resolve(paths.servicesFile);
  const scripts =
    foreignFile && (await scriptsIn(beside)).names.size > 0 ? beside : paths.healthChecks;
  const applianceMatters = appliance.text !== undefined || !foreignFile;
  const node = await judgeNode(paths, run, services, appliance);
  const known = read.value;
  return {
    files: [servicesFile, ...(appliance.text === undefined ? [] : [paths.applianceFile])],
    problems: [
      ...read.problems,
      ...(applianceMatters ? appliance.problems : []),
      ...(modes.text === undefined ? [] : modes.problems),
      ...(await judgeScriptFolder(services, scripts)),
      ...node.problems,
    ],
    coverage: known === null ? [] : coverageByRule(known.virtualServices),
    timing: known === null ? [] : timingTable(known.heartbeat, known.virtualServices),
    measured,
    services: known,
    notes: node.notes,
  };
}
