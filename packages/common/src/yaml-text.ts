// yaml-text.ts — a YAML text as a plain value with the line of every place in it, or why it is none.
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import { escapeText, type Parsed, type Problem, showValue } from "./problems.js";

/** Room for the most services with several servers each; a hostile file of this size still ends in seconds. */
export const CONFIG_BYTES_MAX = 8 * 1024 * 1024;
/** More are counted, not listed: nobody reads more, and finding their lines would take long. */
export const PROBLEMS_LISTED_MAX = 200;

export type Path = readonly PropertyKey[];
/** The line of a path, or of the nearest place above it that stands in the text; counted from 1. */
export type Locate = (path: Path) => number | undefined;

export interface YamlText {
  readonly value: unknown;
  readonly locate: Locate;
}

const PLAIN_KEY = /^[A-Za-z_][\w-]*$/;

/** A place in a file: `virtualServices[0].ports[1]`; a key that is no plain word is quoted: `["a b"]`. */
export const formatPath = (path: Path): string =>
  path
    .map((part, i) => {
      if (typeof part === "number") return `[${part}]`;
      const key = String(part);
      return PLAIN_KEY.test(key) ? `${i === 0 ? "" : "."}${key}` : `[${showValue(key)}]`;
    })
    .join("");

/** The parts of a formatted path: `a[0].b` is a, 0, b. */
export const pathParts = (path: string): Path =>
  [...path.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map((match) => {
    if (match[1] !== undefined) return Number(match[1]);
    return match[2] === undefined ? (match[3] ?? "") : (JSON.parse(`"${match[2]}"`) as string);
  });

const refuse = (problem: Omit<Problem, "path">): Parsed<never> => ({
  ok: false,
  problems: [{ ...problem, path: "" }],
});

const keyText = (pair: Pair): string =>
  isScalar(pair.key) ? String(pair.key.value) : String(pair.key);

function locator(document: Document, lines: LineCounter): Locate {
  return (path) => {
    let node = document.contents as Node | null;
    let range = node?.range;
    for (const part of path) {
      if (isMap(node)) {
        const pair: Pair | undefined = node.items.find((item) => keyText(item) === String(part));
        if (pair === undefined) break;
        range = (pair.key as Node | null)?.range ?? range;
        node = pair.value as Node | null;
      } else if (isSeq(node)) {
        const next = node.items[Number(part)] as Node | null | undefined;
        if (next === undefined) break;
        range = next?.range ?? range;
        node = next;
      } else break;
    }
    return range === undefined || range === null ? undefined : lines.linePos(range[0]).line;
  };
}

/** What YAML allows and these files do not: aliases, repeated keys, tags that mean nothing here. */
function findUnwanted(document: Document, file: string, lines: LineCounter): Problem[] {
  const problems: Problem[] = [];
  const found = (code: Problem["code"], want: string, got: string, node: unknown) => {
    const range = (node as Node | null)?.range;
    const line = range ? { line: lines.linePos(range[0]).line } : {};
    problems.push({ code, path: "", want, got, file, ...line });
    return problems.length >= PROBLEMS_LISTED_MAX ? visit.BREAK : undefined;
  };
  visit(document, {
    // Aliases can make a small file a huge value; nothing in these files needs them.
    Alias: (_, node) => found("yaml-alias", "no aliases", `*${node.source}`, node),
    Map: (_, node) => {
      // The library's own search for repeated keys compares each with each.
      const seen = new Set<string>();
      for (const pair of node.items) {
        const key = keyText(pair);
        if (seen.has(key)) {
          const stop = found("duplicate", "a key used once", showValue(key), pair.key);
          if (stop !== undefined) return stop;
        }
        seen.add(key);
      }
      return undefined;
    },
  });
  return problems;
}

function syntaxProblems(document: Document, file: string, lines: LineCounter): Problem[] {
  // A warning is a tag that is not known: its value would silently mean something else.
  return [...document.errors, ...document.warnings].slice(0, PROBLEMS_LISTED_MAX).map((error) => ({
    code: "yaml-syntax",
    path: "",
    want: "YAML",
    got: error.message.startsWith("Maximum call stack")
      ? "lists or sections nested far too deep"
      : escapeText(error.message.split("\n")[0] ?? error.code),
    file,
    line: lines.linePos(error.pos[0]).line,
  }));
}

/** Parses one YAML document without aliases; every problem of its form at once. */
export function readYaml(text: string, file: string): Parsed<YamlText> {
  const bytes = Buffer.byteLength(text);
  if (bytes > CONFIG_BYTES_MAX) {
    const want = `at most ${CONFIG_BYTES_MAX} bytes`;
    return refuse({ code: "file-too-large", want, got: `${bytes} bytes`, file });
  }
  if (text.includes("\u0000")) {
    return refuse({ code: "not-text", want: "a text file", got: "a NUL byte", file });
  }
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      // Pretty errors search the text again for each error: minutes for a file of nothing else.
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: "error",
    });
    const problems = [
      ...syntaxProblems(document, file, lines),
      ...findUnwanted(document, file, lines),
    ].slice(0, PROBLEMS_LISTED_MAX);
    if (problems.length > 0) return { ok: false, problems };
    const value: unknown = document.toJS();
    return { ok: true, value: { value, locate: locator(document, lines) }, warnings: [] };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const got = "lists or sections nested far too deep";
    return refuse({ code: "yaml-syntax", want: "YAML", got, file });
  }
}

/** The line of a path in a YAML text, for problems that are found later, together with the node. */
export function lineOf(text: string, path: string): number | undefined {
  const read = readYaml(text, "");
  return read.ok ? read.value.locate(pathParts(path)) : undefined;
}
