// document-rules.ts — what the documents have to say of the code: problem codes, limits, dependencies, the first commands.
import { isTest, type Tree } from "./tree.js";

const rowOf = (document: string, name: string): string | undefined =>
  document.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));

export function undocumentedProblems(tree: Tree): string[] {
  const source = tree.get("packages/common/src/problems.ts") ?? "";
  const list = /PROBLEM_CODES = \[([\s\S]*?)\]/.exec(source)?.[1] ?? "";
  const codes = [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "");
  const document = tree.get("docs/problems.md") ?? "";
  const listed = [...document.matchAll(/^## `([\w-]+)`$/gm)].map((match) => match[1] ?? "");
  return [
    ...(codes.length === 0 ? ["packages/common/src/problems.ts: no codes found"] : []),
    ...codes
      .filter((code) => !listed.includes(code))
      .map((code) => `docs/problems.md: want a section of ${code}`),
    ...listed
      .filter((code) => !codes.includes(code))
      .map((code) => `docs/problems.md: ${code} is no code`),
  ];
}

/** Every exported `…_MAX` with the expression it is set to. */
export const limitsOf = (tree: Tree): { name: string; value: string; path: string }[] =>
  [...tree].flatMap(([path, text]) =>
    /^packages\/[^/]+\/src\//.test(path) && !isTest(path)
      ? [...text.matchAll(/^export const (\w+_MAX) =\s*([^;]+);/gm)].map((match) => ({
          name: match[1] ?? "",
          value: (match[2] ?? "").replaceAll(/\s+/g, " ").trim(),
          path,
        }))
      : [],
  );

export function undocumentedLimits(tree: Tree): string[] {
  const document = tree.get("docs/limits.md") ?? "";
  const limits = limitsOf(tree);
  const rows = [...document.matchAll(/^\| `(\w+_MAX)` \| `([^`]+)` \|/gm)].map((match) => ({
    name: match[1] ?? "",
    value: match[2] ?? "",
  }));
  const same = (a: { name: string; value: string }) => (b: { name: string; value: string }) =>
    a.name === b.name && a.value === b.value;
  return [
    ...limits
      .filter((limit) => !rows.some(same(limit)))
      .map(({ name, value, path }) => `docs/limits.md: want a row of ${name} = ${value} (${path})`),
    ...rows
      .filter((row) => !limits.some(same(row)))
      .map(({ name, value }) => `docs/limits.md: ${name} = ${value} is no limit of the code`),
  ];
}

export function undocumentedDependencies(tree: Tree): string[] {
  const document = tree.get("docs/dependencies.md") ?? "";
  const names = new Set<string>();
  for (const [path, text] of tree) {
    if (!/^(?:packages\/[^/]+\/)?package\.json$/.test(path)) continue;
    const { dependencies, devDependencies } = JSON.parse(text) as Record<
      string,
      Record<string, string> | undefined
    >;
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      if (!name.startsWith("@lbpair/")) names.add(name);
    }
  }
  return [...names]
    .filter((name) => rowOf(document, name) === undefined)
    .map((name) => `docs/dependencies.md: want a row of ${name}`);
}

/** The first block of commands in README is the two that a newcomer needs. */
export function firstCommands(tree: Tree): string[] {
  const first = /```\w*\n([\s\S]*?)```/.exec(tree.get("README.md") ?? "")?.[1] ?? "";
  const commands = first.split("\n").map((line) => line.replace(/\s*#.*$/, "").trim());
  return ["npm run lab", "npm test"]
    .filter((command) => !commands.includes(command))
    .map((command) => `README.md: want "${command}" in its first block of commands`);
}

/** Links between documents that lead nowhere. */
export const deadLinks = (tree: Tree): string[] =>
  [...tree].flatMap(([path, text]) => {
    if (!path.endsWith(".md")) return [];
    const folder = path.split("/").slice(0, -1);
    return [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].flatMap((match) => {
      const link = match[1] ?? "";
      if (/^[a-z]+:/.test(link)) return [];
      const parts = [...folder];
      for (const part of link.replace(/\/$/, "").split("/")) {
        if (part === "..") parts.pop();
        else if (part !== ".") parts.push(part);
      }
      const target = parts.join("/");
      const exists =
        tree.has(target) || [...tree.keys()].some((each) => each.startsWith(`${target}/`));
      return exists ? [] : [`${path}: the link ${link} leads nowhere`];
    });
  });

/** Cases of one golden folder hold the same files; folders that share no file name are no cases. */
export function incompleteGoldenCases(tree: Tree): string[] {
  const groups = new Map<string, Map<string, Set<string>>>();
  for (const path of tree.keys()) {
    const match = /^(.*\/golden)\/([^/]+)\/(.+)$/.exec(path);
    if (match === null) continue;
    const [, group = "", name = "", file = ""] = match;
    const cases = groups.get(group) ?? new Map<string, Set<string>>();
    groups.set(group, cases);
    cases.set(name, (cases.get(name) ?? new Set()).add(file));
  }
  return [...groups].flatMap(([group, cases]) => {
    const all = [...cases.values()].flatMap((files) => [...files]);
    const wanted = new Set(all);
    if (wanted.size === all.length) return [];
    return [...cases].flatMap(([name, files]) =>
      [...wanted]
        .filter((file) => !files.has(file))
        .map((file) => `${group}/${name}: want ${file}, as its neighbours have`),
    );
  });
}
