// company.mjs — which test files may run beside which: a file says it in the comment lines it begins with.
//
//   // runs alone: REASON      nothing else runs meanwhile
//   // measures: REASON        other files may run beside it, but none that measures
import { readFileSync, statSync } from "node:fs";

/** "alone", "measures" or "any". */
export function companyOf(text) {
  const lines = text.split("\n");
  const code = lines.findIndex((line) => !line.startsWith("//"));
  const head = lines.slice(0, code === -1 ? lines.length : code);
  if (head.some((line) => /^\/\/ runs alone: \S/.test(line))) return "alone";
  return head.some((line) => /^\/\/ measures: \S/.test(line)) ? "measures" : "any";
}

const RANK = { measures: 0, any: 1, alone: 2 };

/**
 * The order in which files are begun: those that exclude each other first, those that exclude all last;
 * the large ones before the small, for a long one begun last would keep everybody waiting.
 */
export const inOrder = (files) =>
  files
    .map((file) => ({
      file,
      company: companyOf(readFileSync(file, "utf8")),
      bytes: statSync(file).size,
    }))
    .sort((a, b) => RANK[a.company] - RANK[b.company] || b.bytes - a.bytes);

/** The next that may begin beside those that run; undefined = none before one of them ends. */
export function nextBeside(queue, running) {
  if (running.some(({ company }) => company === "alone")) return undefined;
  const measuring = running.some(({ company }) => company === "measures");
  return queue.find(({ company }) =>
    company === "alone" ? running.length === 0 : !(measuring && company === "measures"),
  );
}
