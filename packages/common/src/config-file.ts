// config-file.ts — from the text of a configuration file to a value, or to everything wrong with it.
import { z } from "zod";
import { checkAppliance } from "./appliance-check.js";
import { type ApplianceConfig, applianceSchema } from "./appliance-schema.js";
import { checkModes, checkServices } from "./config-check.js";
import { didYouMean } from "./did-you-mean.js";
import { fieldNames } from "./field.js";
import { type Loose, looseParse } from "./loose-parse.js";
import { type ModesConfig, modesSchema } from "./modes-schema.js";
import { type Parsed, type Problem, showValue } from "./problems.js";
import { type ServicesConfig, servicesSchema } from "./services-schema.js";
import { NOT_SHOWN, SECRET_FIELDS } from "./value-schemas.js";
import {
  formatPath,
  type Path,
  PROBLEMS_LISTED_MAX,
  pathParts,
  readYaml,
  type YamlText,
} from "./yaml-text.js";

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
  read: YamlText,
  schema: z.ZodType,
  file: string,
): Problem[] {
  const place = (path: Path) => {
    const line = read.locate(path);
    return { path: formatPath(path), file, ...(line === undefined ? {} : { line }) };
  };
  if (issue.code === "unrecognized_keys") {
    const known = fieldNames(schemaAt(schema, issue.path, read.value) ?? schema) ?? [];
    return issue.keys.slice(0, PROBLEMS_LISTED_MAX).map((key): Problem => {
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
  const hidden = got !== undefined && SECRET_FIELDS.has(String(issue.path.at(-1)));
  return [{ code, ...place(issue.path), want, got: hidden ? NOT_SHOWN : showValue(got) }];
}

type Found = Omit<Problem, "file" | "line">;

/** The first of the problems, in the order of the file, and how many more there are. */
function listProblems(problems: readonly Problem[], total: number, file: string): Problem[] {
  const listed = problems
    .slice(0, PROBLEMS_LISTED_MAX)
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (total <= PROBLEMS_LISTED_MAX) return listed;
  const want = `at most ${PROBLEMS_LISTED_MAX} problems, to list them all`;
  return [...listed, { code: "too-many-problems", path: "", want, got: `${total}`, file }];
}

function parseWith<S extends z.ZodType>(
  schema: S,
  text: string,
  file: string,
  check: (value: Loose<z.output<S>>) => Found[],
): Parsed<z.output<S>> {
  const read = readYaml(text, file);
  if (!read.ok) return read;
  const value = read.value.value ?? {};
  const result = schema.safeParse(value, { reportInput: false });
  const issues = result.success ? [] : result.error.issues;
  const wrong = issues
    .slice(0, PROBLEMS_LISTED_MAX)
    .flatMap((issue) => toProblems(issue, read.value, schema, file));
  const understood = result.success
    ? (result.data as Loose<z.output<S>>)
    : looseParse(schema, value);
  const found = understood === undefined ? [] : check(understood);
  const related = found.slice(0, PROBLEMS_LISTED_MAX).map((problem): Problem => {
    const line = read.value.locate(pathParts(problem.path));
    return { ...problem, file, ...(line === undefined ? {} : { line }) };
  });
  if (result.success && found.every((problem) => problem.severity === "warning")) {
    return { ok: true, value: result.data, warnings: related };
  }
  const wrongTotal = issues.reduce(
    (sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1),
    0,
  );
  const problems = listProblems([...wrong, ...related], wrongTotal + found.length, file);
  return { ok: false, problems };
}

/** services.yaml, with the relations between its fields checked. */
export const parseServices = (text: string, file = "services.yaml"): Parsed<ServicesConfig> =>
  parseWith(servicesSchema, text, file, checkServices);

/**
 * A services.yaml that is to come into force. A file with nothing in it parses as an empty
 * configuration, but it is what a crashed editor or a full disk leaves: it would end every service.
 */
export function parseCandidate(text: string, file = "services.yaml"): Parsed<ServicesConfig> {
  const read = readYaml(text, file);
  if (!read.ok || (read.value.value ?? null) !== null) return parseServices(text, file);
  const want = "a configuration (virtualServices: [] where there is to be no service)";
  return { ok: false, problems: [{ code: "file-empty", path: "", want, got: "nothing", file }] };
}

/** What can be understood of a services.yaml that may be wrong, for judgements beyond the file itself. */
export function understandServices(text: string): Loose<ServicesConfig> {
  const read = readYaml(text, "");
  return (read.ok ? looseParse(servicesSchema, read.value.value ?? {}) : undefined) ?? {};
}

export const parseAppliance = (text: string, file = "appliance.yaml"): Parsed<ApplianceConfig> =>
  parseWith(applianceSchema, text, file, checkAppliance);

export const parseModes = (text: string, file = "modes.yaml"): Parsed<ModesConfig> =>
  parseWith(modesSchema, text, file, checkModes);
