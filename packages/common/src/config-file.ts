// config-file.ts — from the text of a configuration file to a value, or to everything wrong with it.
import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, visit } from "yaml";
import { z } from "zod";
import { type ApplianceConfig, applianceSchema } from "./appliance-schema.js";
import { checkServices } from "./config-check.js";
import { didYouMean } from "./did-you-mean.js";
import { fieldNames } from "./field.js";
import { type Loose, looseParse } from "./loose-parse.js";
import { type ModesConfig, modesSchema } from "./modes-schema.js";
import { type Parsed, type Problem, showValue } from "./problems.js";
import { type ServicesConfig, servicesSchema } from "./services-schema.js";

export const CONFIG_BYTES_MAX = 16 * 1024 * 1024;
/** More are counted, not listed. */
export const PROBLEMS_LISTED_MAX = 200;

type Path = readonly PropertyKey[];

/** A place in the file: `virtualServices[0].ports[1]`. */
export const formatPath = (path: Path): string =>
  path
    .map((part, i) =>
      typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${String(part)}`,
    )
    .join("");

/** Where a path stands in a YAML text; the nearest place above it where it does not stand itself. */
export type Locate = (path: Path) => number | undefined;

interface ReadYaml {
  readonly value: unknown;
  readonly locate: Locate;
}

function readYaml(text: string, file: string): Parsed<ReadYaml> {
  const bytes = Buffer.byteLength(text);
  if (bytes > CONFIG_BYTES_MAX) {
    const want = `at most ${CONFIG_BYTES_MAX} bytes`;
    return {
      ok: false,
      problems: [{ code: "file-too-large", path: "", want, got: `${bytes}`, file }],
    };
  }
  if (text.includes("\u0000")) {
    return {
      ok: false,
      problems: [{ code: "not-text", path: "", want: "a text file", got: "a NUL byte", file }],
    };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true });
  const problems: Problem[] = document.errors.map((error) => ({
    code: "yaml-syntax",
    path: "",
    want: "YAML",
    got: error.message.split("\n")[0]?.replace(/ at line \d+, column \d+:$/, "") ?? error.code,
    file,
    line: lines.linePos(error.pos[0]).line,
  }));
  // Aliases can make a small file a huge value; nothing in these files needs them.
  visit(document, {
    Alias: (_, node) => {
      const line =
        node.range === undefined || node.range === null
          ? {}
          : { line: lines.linePos(node.range[0]).line };
      problems.push({
        code: "yaml-alias",
        path: "",
        want: "no aliases",
        got: `*${node.source}`,
        file,
        ...line,
      });
      return problems.length >= PROBLEMS_LISTED_MAX ? visit.BREAK : undefined;
    },
  });
  if (problems.length > 0) return { ok: false, problems };
  const locate: Locate = (path) => {
    let found: Node | null | undefined = document.contents as Node | null;
    let range = found?.range;
    for (const part of path) {
      if (!found || isScalar(found) || isAlias(found)) break;
      if (isMap(found)) {
        const pair = found.items.find((item) => isScalar(item.key) && item.key.value === part);
        if (pair === undefined) break;
        range = (pair.key as Node).range ?? range;
        found = pair.value as Node | null;
      } else {
        const next: Node | undefined = (found as unknown as { items?: Node[] }).items?.[
          Number(part)
        ];
        if (next === undefined) break;
        range = next.range ?? range;
        found = next;
      }
    }
    return range === undefined || range === null ? undefined : lines.linePos(range[0]).line;
  };
  return { ok: true, value: { value: document.toJS() as unknown, locate }, warnings: [] };
}

function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return found;
}

/** The schema below a path, as far as sections and lists go; for the names it knows. */
function schemaAt(schema: z.ZodType, path: Path, value: unknown): z.ZodType | undefined {
  let found: z.ZodType | undefined = schema;
  let here = value;
  for (const part of [...path, undefined]) {
    for (;;) {
      if (
        found instanceof z.ZodDefault ||
        found instanceof z.ZodPrefault ||
        found instanceof z.ZodOptional
      ) {
        found = found.def.innerType as z.ZodType;
      } else if (found instanceof z.ZodDiscriminatedUnion) {
        const type = (here as { type?: unknown } | undefined)?.type;
        found = found.def.options.find(
          (option) => (option as z.ZodObject).shape.type?.safeParse(type).success,
        ) as z.ZodType | undefined;
      } else break;
    }
    if (part === undefined) return found;
    if (found instanceof z.ZodArray) found = found.def.element as z.ZodType;
    else if (found instanceof z.ZodObject)
      found = found.shape[String(part)] as z.ZodType | undefined;
    else return undefined;
    here = valueAt(here, [part]);
  }
  return found;
}

function toProblems(
  issue: z.core.$ZodIssue,
  read: ReadYaml,
  schema: z.ZodType,
  file: string,
): Problem[] {
  const place = (path: Path) => {
    const line = read.locate(path);
    return { path: formatPath(path), file, ...(line === undefined ? {} : { line }) };
  };
  if (issue.code === "unrecognized_keys") {
    const known = fieldNames(schemaAt(schema, issue.path, read.value) ?? schema) ?? [];
    return issue.keys.map((key) => {
      const meant = didYouMean(key, known);
      const want =
        meant === undefined ? `one of ${known.join(", ")}` : `a known key (did you mean ${meant}?)`;
      return { code: "unknown-key", ...place([...issue.path, key]), want, got: showValue(key) };
    });
  }
  const got = valueAt(read.value, issue.path);
  const code = got === undefined ? "missing-key" : "wrong-value";
  const want =
    issue.code === "invalid_type" && issue.expected === "object" ? "a section" : issue.message;
  return [{ code, ...place(issue.path), want, got: showValue(got) }];
}

function parseWith<S extends z.ZodType>(
  schema: S,
  text: string,
  file: string,
  check: (value: Loose<z.output<S>>) => Omit<Problem, "file" | "line">[] = () => [],
): Parsed<z.output<S>> {
  const read = readYaml(text, file);
  if (!read.ok) return read;
  const value = read.value.value ?? {};
  const result = schema.safeParse(value, { reportInput: false });
  const wrong = result.success
    ? []
    : result.error.issues.flatMap((issue) => toProblems(issue, read.value, schema, file));
  const understood = result.success
    ? (result.data as Loose<z.output<S>>)
    : looseParse(schema, value);
  const related = (understood === undefined ? [] : check(understood)).map((problem): Problem => {
    const line = read.value.locate(pathParts(problem.path));
    return { ...problem, file, ...(line === undefined ? {} : { line }) };
  });
  const problems = [...wrong, ...related].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (result.success && !related.some((problem) => problem.severity !== "warning")) {
    return { ok: true, value: result.data, warnings: related };
  }
  return { ok: false, problems: problems.slice(0, PROBLEMS_LISTED_MAX) };
}

/** The parts of a formatted path: `a[0].b` is a, 0, b. */
export const pathParts = (path: string): Path =>
  [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map((match) =>
    match[2] === undefined ? (match[1] ?? "") : Number(match[2]),
  );

/** services.yaml, with the relations between its fields checked. */
export const parseServices = (text: string, file = "services.yaml"): Parsed<ServicesConfig> =>
  parseWith(servicesSchema, text, file, checkServices);

export const parseAppliance = (text: string, file = "appliance.yaml"): Parsed<ApplianceConfig> =>
  parseWith(applianceSchema, text, file);

export const parseModes = (text: string, file = "modes.yaml"): Parsed<ModesConfig> =>
  parseWith(modesSchema, text, file);

/** The line of a path in a YAML text, for problems that are found later, together with the node. */
export function lineOf(text: string, path: string): number | undefined {
  const read = readYaml(text, "");
  return read.ok ? read.value.locate(pathParts(path)) : undefined;
}
