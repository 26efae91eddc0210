// stale-outputs.mjs — removes compiled files whose source is gone, so that a deleted test never runs again.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const OUTPUT = /\.(?:js|d\.ts)(?:\.map)?$/;

/** Removes every output below `dist` that has no source below `source`; answers with their paths. */
export function removeStale(dist, source) {
  if (!existsSync(dist)) return [];
  const stale = readdirSync(dist, { recursive: true })
    .filter((path) => OUTPUT.test(path))
    .filter((path) => !existsSync(join(source, path.replace(OUTPUT, ".ts"))))
    .map((path) => join(dist, path));
  for (const path of stale) rmSync(path);
  return stale;
}

/** Where the repository's projects put what they compile, each with its source. */
export const outputFolders = (root) => [
  ...readdirSync(join(root, "packages")).map((name) => [
    join(root, "packages", name, "dist"),
    join(root, "packages", name, "src"),
  ]),
  [join(root, "test", "dist"), join(root, "test")],
  [join(root, "bench", "dist"), join(root, "bench")],
];
