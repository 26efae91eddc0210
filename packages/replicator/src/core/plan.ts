// plan.ts — what differs between two configurations, field by field, in words a person wrote.
import { type ChangeAnswer, NOT_SHOWN, SECRET_FIELDS } from "@lbpair/common";

const LABELS = ["label", "name"] as const;

type Plain = Readonly<Record<string, unknown>>;
const isPlain = (value: unknown): value is Plain =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const labelOf = (value: unknown): string | undefined => {
  if (!isPlain(value)) return undefined;
  for (const key of LABELS) {
    const label = value[key];
    if (typeof label === "string" && label !== "") return label;
  }
  return undefined;
};

/** A list whose every element has a label of its own is compared by label, so order does not matter. */
function byLabel(list: readonly unknown[]): Map<string, unknown> | undefined {
  const found = new Map<string, unknown>();
  for (const element of list) {
    const label = labelOf(element);
    if (label === undefined || found.has(label)) return undefined;
    found.set(label, element);
  }
  return found;
}

/** One line, as a person would write it. */
export function describeValue(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return `[${value.map((one) => describeValue(one) ?? "").join(", ")}]`;
  if (isPlain(value)) {
    const fields = Object.entries(value).map(
      ([key, one]) => `${key}: ${SECRET_FIELDS.has(key) ? NOT_SHOWN : (describeValue(one) ?? "")}`,
    );
    return `{ ${fields.join(", ")} }`;
  }
  return typeof value === "string" ? value.replaceAll(/\p{Cc}/gu, "?") : String(value);
}

const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

function fields(value: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) return value.length === 0 ? new Map() : byLabel(value);
  return isPlain(value) ? new Map(Object.entries(value)) : undefined;
}

const emptyLike = (value: unknown): unknown =>
  Array.isArray(value) && byLabel(value) !== undefined ? [] : undefined;

function walk(path: string, was: unknown, becomes: unknown, changes: ChangeAnswer[]): void {
  // A list that is new or gone is shown entry by entry too: each entry has a name of its own.
  const [oldValue, newValue] = [was ?? emptyLike(becomes), becomes ?? emptyLike(was)];
  const sameShape = Array.isArray(oldValue) === Array.isArray(newValue);
  const old = sameShape ? fields(oldValue) : undefined;
  const next = sameShape ? fields(newValue) : undefined;
  if (old !== undefined && next !== undefined) {
    for (const key of new Set([...old.keys(), ...next.keys()])) {
      walk(join(path, key), old.get(key), next.get(key), changes);
    }
    return;
  }
  const before = describeValue(was);
  const after = describeValue(becomes);
  if (before === after) return;
  const kind = before === null ? "add" : after === null ? "remove" : "change";
  const secret = SECRET_FIELDS.has(path.slice(path.lastIndexOf(".") + 1));
  const shown = (text: string | null) => (secret && text !== null ? NOT_SHOWN : text);
  changes.push({ path, kind, was: shown(before), becomes: shown(after) });
}

/** Differences of two parsed YAML documents; labels stand where a list would have numbers. */
export function planValues(was: unknown, becomes: unknown): ChangeAnswer[] {
  const changes: ChangeAnswer[] = [];
  walk("", was ?? {}, becomes ?? {}, changes);
  return changes;
}

const describeScript = (text: string | undefined): string | null => {
  if (text === undefined) return null;
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return `${lines} ${lines === 1 ? "line" : "lines"}`;
};

/** Differences of two sets of check scripts, by file name. */
export function planScripts(
  was: ReadonlyMap<string, string>,
  becomes: ReadonlyMap<string, string>,
): ChangeAnswer[] {
  const changes: ChangeAnswer[] = [];
  for (const name of [...new Set([...was.keys(), ...becomes.keys()])].sort()) {
    const old = was.get(name);
    const next = becomes.get(name);
    if (old === next) continue;
    const kind = old === undefined ? "add" : next === undefined ? "remove" : "change";
    changes.push({ path: name, kind, was: describeScript(old), becomes: describeScript(next) });
  }
  return changes;
}
