// ring-rules.ts — which way imports point: between packages, between rings, and that every file has an importer.
import { importsOf, isSource, isTest, packageOf, resolveImport, type Tree } from "./tree.js";

/** What each package may import of the others; the daemons know nothing of each other. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  common: [],
  forwarder: ["common"],
  heartbeat: ["common"],
  replicator: ["common"],
  cli: ["common", "forwarder", "heartbeat", "replicator"],
  lab: ["common", "forwarder", "heartbeat", "replicator"],
};

/** Folders whose files are pure, and files that are pure beside adapters. */
const PURE: readonly RegExp[] = [
  /^packages\/(?:heartbeat|replicator)\/src\/core\//,
  /^packages\/cli\/src\/(?:view|render)\//,
  /^packages\/forwarder\/src\/(?:address-list|chain-text|check-targets|connection-limits|counters|cuts|distribution|distributor|element-book|element-plan|elements|filter-rules|fingerprints|flow|flow-owner|hash|holds|ip-packet|lookup|passage-elements|passage-rules|persistence|persistence-rules|pins|pool|pool-events|present-table|return-elements|rule-words|rules|same-value|server-plan|service-id|service-index|slots|steering|table-difference|timed-elements|translation-rules|wanted-elements)\.ts$/,
  /^packages\/forwarder\/src\/health\/(?:dicom-pdu|dicom-talk|followed|ldap-talk|memory|question|radius-packet|reason-line|schedule|script-arguments|smtp-talk|socket-words|start-queue|talk|types|verdict|verdict-book)\.ts$/,
  /^packages\/common\/src\/(?:address|answers|appliance-check|appliance-schema|check-relations|check-schema|config-check|coverage-rule|did-you-mean|duration|fallback-relations|fallbacks|field|heartbeat-paths|json-parts|loose-parse|modes-schema|moment|passage-relations|passage-schema|persistence|port-relations|ports|problems|revision|service-status|services-schema|status|timing-calculator|value-schemas|yaml-edit)\.ts$/,
];
/** Side doors of common, for a start that loads no more than it needs. */
const ENTRANCES = new Set(["@lbpair/common/light", "@lbpair/common/log"]);
/** Libraries of pure functions. */
const PURE_LIBRARIES = new Set(["zod", "yaml", "ipaddr.js"]);
/** Of node:crypto, what is a function of its arguments. */
const PURE_CRYPTO = new Set(["createHash", "createHmac", "timingSafeEqual"]);
const IMPURE =
  /\b(?:Date\.now|new Date\(\)|Math\.random|performance\.|process\.|setTimeout|setInterval|setImmediate|queueMicrotask|fetch\(|console\.)/;

// What tests share and no product code imports is no part of the core.
const isTestHelper = (path: string): boolean =>
  /(?:golden|sample-\w+|testing|test-[\w-]+)\.ts$/.test(path);
export const isPure = (path: string): boolean =>
  !isTest(path) && !isTestHelper(path) && PURE.some((pattern) => pattern.test(path));

export function importsAgainstTheArrows(tree: Tree): string[] {
  const found: string[] = [];
  for (const [path, text] of tree) {
    const mine = packageOf(path);
    if (mine === undefined || !isSource(path)) continue;
    const declared = JSON.parse(tree.get(`packages/${mine}/package.json`) ?? "{}") as {
      dependencies?: Record<string, string>;
    };
    for (const { from } of importsOf(text)) {
      const other = /^@lbpair\/([^/]+)(\/.*)?$/.exec(from);
      if (other !== null) {
        const allowed = MAY_IMPORT[mine]?.includes(other[1] ?? "") ?? false;
        if (!allowed) found.push(`${path}: ${mine} must not import ${from}`);
        else if (other[2] !== undefined && !ENTRANCES.has(from))
          found.push(`${path}: ${from} reaches inside a package`);
      } else if (from.startsWith(".")) {
        const target = resolveImport(path, from);
        if (packageOf(target) !== mine) found.push(`${path}: ${from} leaves the package`);
      } else if (!from.startsWith("node:") && !isTest(path)) {
        const name = from.startsWith("@")
          ? from.split("/").slice(0, 2).join("/")
          : from.split("/")[0];
        if (declared.dependencies?.[name ?? ""] === undefined) {
          found.push(`${path}: ${from} is no dependency of ${mine}'s package.json`);
        }
      }
    }
  }
  return found;
}

/** By name, the module of common that exports it. */
function exportsOfCommon(tree: Tree): Map<string, string> {
  const exported = new Map<string, string>();
  for (const [path, text] of tree) {
    if (packageOf(path) !== "common" || !isSource(path) || isTest(path)) continue;
    const declaration = /^export (?:async )?(?:const|function\*?|class) (\w+)/gm;
    for (const match of text.matchAll(declaration)) exported.set(match[1] ?? "", path);
  }
  return exported;
}

export function impureCores(tree: Tree): string[] {
  const common = exportsOfCommon(tree);
  const found: string[] = [];
  for (const [path, text] of tree) {
    if (!isPure(path)) continue;
    for (const { from, names, typeOnly } of importsOf(text)) {
      if (typeOnly) continue;
      if (from.startsWith(".")) {
        const target = resolveImport(path, from);
        if (!isPure(target)) found.push(`${path}: the pure core imports ${target}`);
      } else if (from === "@lbpair/common" || from === "@lbpair/common/light") {
        for (const name of names) {
          const home = common.get(name);
          if (home === undefined || !isPure(home)) {
            found.push(
              `${path}: the pure core uses ${name} of ${home ?? "common"}, which is not pure`,
            );
          }
        }
      } else if (from === "node:crypto" && names.every((name) => PURE_CRYPTO.has(name))) {
        // Hashes and MACs: no randomness, no I/O.
      } else if (!PURE_LIBRARIES.has(from)) found.push(`${path}: the pure core imports ${from}`);
    }
    const lines = stripLines(text);
    for (const [i, line] of lines.entries()) {
      const used = IMPURE.exec(line)?.[0];
      if (used !== undefined) found.push(`${path}:${i + 1}: the pure core uses ${used}`);
    }
  }
  return found;
}

/** Lines without comments and strings. */
const stripLines = (text: string): string[] =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, " "))
    .split("\n")
    .map((line) => line.replace(/\/\/.*$/, "").replaceAll(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, '""'));

/**
 * A heartbeat that is started again has until the end of its lease: what it starts with loads neither
 * schemas nor YAML. Its validation and its tests may.
 */
export function heavyHeartbeat(tree: Tree): string[] {
  const found: string[] = [];
  for (const [path, text] of tree) {
    if (!/^packages\/heartbeat\/src\//.test(path) || isTest(path)) continue;
    if (/\/(?:validate|simulated-\w+)\.ts$/.test(path)) continue;
    for (const { from, typeOnly } of importsOf(text)) {
      if (from !== "@lbpair/common" || typeOnly) continue;
      found.push(`${path}: want values from @lbpair/common/light, which loads no schema`);
    }
  }
  return found;
}

/** Programs that something outside TypeScript starts. */
function entryPoints(tree: Tree): Set<string> {
  const entries = new Set<string>();
  for (const [path, text] of tree) {
    const folder = /^(packages\/[^/]+)\/package\.json$/.exec(path)?.[1];
    if (folder === undefined) continue;
    entries.add(`${folder}/src/index.ts`);
    for (const match of text.matchAll(/"\.\/dist\/([^"]+)\.js"/g)) {
      entries.add(`${folder}/src/${match[1]}.ts`);
    }
  }
  return entries;
}

/** Source files that nobody imports, or nobody but their own test. */
export function filesNobodyImports(tree: Tree): string[] {
  const entries = entryPoints(tree);
  const imported = new Set<string>();
  const started: string[] = [];
  for (const [path, text] of tree) {
    if (!isSource(path)) continue;
    for (const { from } of importsOf(text)) {
      if (!from.startsWith(".")) continue;
      const target = resolveImport(path, from);
      if (path !== target.replace(/\.ts$/, ".test.ts")) imported.add(target);
    }
    // A file that is started as a process of its own is named with its ending.
    for (const match of text.matchAll(/["'`/]([\w-]+)\.js["'`]/g)) started.push(`/${match[1]}.ts`);
  }
  return [...tree.keys()]
    .filter((path) => isSource(path) && !isTest(path))
    .filter((path) => !imported.has(path) && !entries.has(path))
    .filter((path) => !(path.endsWith("main.ts") && started.some((name) => path.endsWith(name))))
    .map((path) => `${path}: nobody imports it`);
}
