// tree.ts — the repository's own files as text, and what one file says of others.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Text by path from the root, with forward slashes. A value, so that a planted fault is a changed copy. */
export type Tree = ReadonlyMap<string, string>;

const LEFT_OUT = new Set(["node_modules", "dist", ".git", "tmp", "package-lock.json"]);
const IS_TEXT = /\.(?:ts|mjs|js|json|md|yaml|yml|sh|txt|nft|conf|service|svg)$|(?:^|\/)[^.]+$/;

function walk(root: string, folder: string, tree: Map<string, string>): void {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (LEFT_OUT.has(entry.name) || entry.name.endsWith(".tsbuildinfo")) continue;
    if (entry.isDirectory()) walk(root, path, tree);
    else if (entry.isFile() && IS_TEXT.test(path) && statSync(join(root, path)).size < 1e6) {
      tree.set(path, readFileSync(join(root, path), "utf8"));
    }
  }
}

export function readTree(root: string): Tree {
  const tree = new Map<string, string>();
  walk(root, "", tree);
  return tree;
}

/** Source without comments, and with string contents emptied where `strings` says so. */
export function stripped(text: string, strings: "kept" | "emptied"): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g;
  return text.replace(token, (found) => {
    if (found.startsWith("/")) return found.replaceAll(/[^\n]/g, " ");
    if (strings === "kept" || found.startsWith("`")) return found;
    return '""';
  });
}

export interface Import {
  readonly from: string;
  /** Names bound, without those that are types only; `*` for a whole module. */
  readonly names: readonly string[];
  readonly typeOnly: boolean;
}

const namesIn = (clause: string): string[] => {
  if (clause.includes("*")) return ["*"];
  const inner = /\{([^}]*)\}/.exec(clause)?.[1] ?? "";
  const named = inner.split(",").map((part) => part.trim());
  return named
    .filter((part) => part !== "" && !part.startsWith("type "))
    .map((part) => part.split(/\s+as\s+/)[0] ?? part);
};

/** Every import, export-from and dynamic import with a literal name. */
export function importsOf(text: string): Import[] {
  const source = stripped(text, "kept");
  const found: Import[] = [];
  const statement = /^(?:import|export)\s+([^"';]*?)\s*from\s*"([^"]+)"|^import\s+"([^"]+)"/gm;
  for (const match of source.matchAll(statement)) {
    const clause = match[1] ?? "";
    const typeOnly =
      /^type\b/.test(clause) ||
      (clause.startsWith("{") &&
        clause.replaceAll(/[{},\s]/g, "") !== "" &&
        namesIn(clause).length === 0);
    found.push({ from: match[2] ?? match[3] ?? "", names: namesIn(clause), typeOnly });
  }
  for (const match of source.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g)) {
    found.push({ from: match[1] ?? "", names: ["*"], typeOnly: false });
  }
  return found;
}

/** The path that a relative import means. */
export function resolveImport(importer: string, from: string): string {
  const parts = importer.split("/").slice(0, -1);
  for (const part of from.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/").replace(/\.js$/, ".ts");
}

export const packageOf = (path: string): string | undefined =>
  /^packages\/([^/]+)\//.exec(path)?.[1];
export const isSource = (path: string): boolean =>
  /^(?:packages\/[^/]+\/src|test)\/.*\.ts$/.test(path);
export const isTest = (path: string): boolean => path.endsWith(".test.ts");
