// text-rules.ts — what no file may hold, how long it may be, and how it begins.
import { isSource, isTest, type Tree } from "./tree.js";

export const FILE_LINES_MAX = 300;
const isCode = (path: string): boolean => /\.(?:ts|mjs|sh)$/.test(path);
const baseName = (path: string): string => path.split("/").at(-1) ?? path;

/** The comment at the top, before the first line of code. */
const opening = (text: string): string =>
  /^(?:#![^\n]*\n)?((?:(?:\/\/|#)[^\n]*\n)*)/.exec(text)?.[1] ?? "";

export const filesTooLong = (tree: Tree): string[] =>
  [...tree].flatMap(([path, text]) => {
    const lines = text.split("\n").length - 1;
    if (!isCode(path) || lines <= FILE_LINES_MAX || /\blong: \S/.test(opening(text))) return [];
    return [
      `${path}: ${lines} lines, want at most ${FILE_LINES_MAX} or "long: <reason>" at the top`,
    ];
  });

export const filesWithoutOpening = (tree: Tree): string[] =>
  [...tree].flatMap(([path, text]) => {
    if (!isCode(path) || isTest(path)) return [];
    if (
      opening(text)
        .replace(/^(?:\/\/|#) /, "")
        .startsWith(`${baseName(path)} — `)
    )
      return [];
    return [`${path}: want a first line "${baseName(path)} — what it decides"`];
  });

// Written in two parts, so that this file does not hold what it looks for.
const UNFINISHED = new RegExp(
  `\\b(?:${["TO", "FIX", "XX"].map((a) => a + { TO: "DO", FIX: "ME", XX: "X" }[a]).join("|")})\\b`,
);

export const unfinishedMarks = (tree: Tree): string[] =>
  [...tree].flatMap(([path, text]) =>
    text.split("\n").flatMap((line, i) => {
      const mark = UNFINISHED.exec(line)?.[0];
      return mark === undefined ? [] : [`${path}:${i + 1}: ${mark}`];
    }),
  );

/** Places of one machine, and servers of one network, that mean nothing elsewhere. */
const MACHINE =
  /(?:^|[\s"'`(=])(\/(?:home|Users|work)\/[\w.-]+)|https?:\/\/([\w.-]*(?:registry|artifact|mirror|proxy)[\w.-]*)/;

export const machinePlaces = (tree: Tree): string[] =>
  [...tree].flatMap(([path, text]) =>
    text.split("\n").flatMap((line, i) => {
      const match = MACHINE.exec(line);
      const place = match?.[1] ?? match?.[2];
      return place === undefined ? [] : [`${path}:${i + 1}: ${place}`];
    }),
  );

export const repeatedTestNames = (tree: Tree): string[] =>
  [...tree].flatMap(([path, text]) => {
    if (!isTest(path)) return [];
    const seen = new Set<string>();
    return [...text.matchAll(/^\s*(?:test|it)\(\s*"((?:[^"\\]|\\.)*)"/gm)].flatMap((match) => {
      const name = match[1] ?? "";
      const again = seen.has(name);
      seen.add(name);
      return again ? [`${path}: two tests promise "${name}"`] : [];
    });
  });

export const onlySomeTests = (tree: Tree): string[] =>
  [...tree].flatMap(([path, text]) =>
    isTest(path) && /\b(?:test|it|describe)\.only\(|\bonly: true/.test(text)
      ? [`${path}: runs only some of its tests`]
      : [],
  );

export const testsWithoutAssertion = (tree: Tree): string[] =>
  [...tree].flatMap(([path, text]) =>
    isSource(path) && isTest(path) && !/\bassert\b/.test(text) ? [`${path}: asserts nothing`] : [],
  );
