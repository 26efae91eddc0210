// check-templates.ts — the scripts that ship as beginnings of an operator's own health checks.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../templates/", import.meta.url));

export interface CheckTemplate {
  readonly name: string;
  /** What it does, in one line: its second line says it. */
  readonly what: string;
  readonly text: string;
}

export async function checkTemplates(): Promise<CheckTemplate[]> {
  const names = (await readdir(FOLDER)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(FOLDER, name), "utf8");
      // The sentence may go on in the next line of the comment.
      const head = /^#!.*\n((?:# ?.+\n)+)/.exec(text)?.[1] ?? "";
      const words = head.replaceAll(/\n# ?/g, " ").replace(/^# ?/, "").trim();
      return { name, what: words.replace(`${name} — `, ""), text };
    }),
  );
}
