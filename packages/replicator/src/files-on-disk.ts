// files-on-disk.ts — services.yaml and health-checks/ of a folder, read whole and judged by form.
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Parsed, Problem } from "@lbpair/common";
import { BUNDLE_FILE_BYTES_MAX, judgeFiles } from "./core/bundle.js";
import { isScriptName, type ScriptName } from "./core/ownership.js";
import type { ServiceFiles } from "./core/service-files.js";

type Read = { readonly text: string } | { readonly problem: Problem } | undefined;

/** A plain text file within bounds. A link is refused: what it points to may be anybody's. */
async function readPlain(path: string, file: string): Promise<Read> {
  const wrong = (code: Problem["code"], want: string, got: string): Read => ({
    problem: { code, path: "", want, got, file },
  });
  const facts = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (facts === undefined) return undefined;
  if (!facts.isFile()) {
    return wrong(
      "not-permitted",
      "a plain file",
      facts.isSymbolicLink() ? "a link" : "something else",
    );
  }
  if (facts.size > BUNDLE_FILE_BYTES_MAX) {
    return wrong("file-too-large", `at most ${BUNDLE_FILE_BYTES_MAX} bytes`, `${facts.size}`);
  }
  const handle = await open(path, "r");
  try {
    const bytes = await handle.readFile();
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes("\0")) return { text };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  } finally {
    await handle.close();
  }
  return wrong("not-text", "text in UTF-8", "other bytes");
}

/** What editors leave beside the file they write. */
const isEditorsDropping = (name: string): boolean => name.startsWith(".") || name.endsWith("~");

async function scriptNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => !isEditorsDropping(name)).sort();
}

/**
 * Reads a folder laid out as `etc/` or as a revision. A missing services.yaml is an empty one:
 * nothing is configured yet. Disk errors other than absence are thrown.
 */
export async function readServiceFiles(folder: string): Promise<Parsed<ServiceFiles>> {
  const problems: Problem[] = [];
  const services = await readPlain(join(folder, "services.yaml"), "services.yaml");
  if (services !== undefined && "problem" in services) problems.push(services.problem);
  const scripts = new Map<ScriptName, string>();
  for (const base of await scriptNames(join(folder, "health-checks"))) {
    const name = `health-checks/${base}`;
    const read = await readPlain(join(folder, name), name);
    if (read === undefined) continue;
    if ("problem" in read) problems.push(read.problem);
    else if (isScriptName(name)) scripts.set(name, read.text);
    else {
      const want = "a name of letters, digits, dot, underscore and hyphen";
      problems.push({
        code: "not-permitted",
        path: "",
        want,
        got: JSON.stringify(base),
        file: name,
      });
    }
  }
  const text = services !== undefined && "text" in services ? services.text : "";
  const sizes = [["services.yaml", text] as const, ...scripts].map(([name, content]) => ({
    name,
    bytes: Buffer.byteLength(content),
  }));
  problems.push(...judgeFiles(sizes));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { services: text, scripts }, warnings: [] };
}
