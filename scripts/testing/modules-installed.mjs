// modules-installed.mjs — exit code 0 where node_modules is what package-lock.json asks for, else 1.
// Contents are compared, not times: a fresh clone, a pull and a copy all give files any time they like.
import { readFileSync } from "node:fs";

const packagesOf = (path) => JSON.parse(readFileSync(path, "utf8")).packages;

/** The first package that is not as wanted; undefined where all are. */
export function firstDifference(wanted, present) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "" || !path.includes("node_modules/")) continue;
    const found = present[path];
    // Optional packages are for other platforms, and npm leaves those out.
    if (found === undefined && (entry.optional || entry.devOptional)) continue;
    if (found?.version !== entry.version || found?.integrity !== entry.integrity) return path;
  }
  return undefined;
}

try {
  const different = firstDifference(
    packagesOf("package-lock.json"),
    packagesOf("node_modules/.package-lock.json"),
  );
  if (different !== undefined) {
    console.log(`not installed as locked: ${different}`);
    process.exitCode = 1;
  }
} catch (error) {
  console.log(`node_modules: ${error.message}`);
  process.exitCode = 1;
}
