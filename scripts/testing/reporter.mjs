// reporter.mjs — a node:test reporter that tells the parent process what happened, as JSON lines on descriptor 3.
import { writeSync } from "node:fs";
import { inspect } from "node:util";

const CHANNEL = 3;
const ERROR_CHARACTERS_MAX = 6000;

function describeError(error) {
  const cause = error?.cause ?? error;
  const text = typeof cause === "string" ? cause : inspect(cause, { depth: 4 });
  const lines = text.split("\n").filter((line) => !line.includes("(node:internal/"));
  return lines.join("\n").slice(0, ERROR_CHARACTERS_MAX);
}

function tell(event) {
  const line = Buffer.from(`${JSON.stringify(event)}\n`);
  for (let sent = 0; sent < line.length; ) {
    try {
      sent += writeSync(CHANNEL, line, sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

// biome-ignore lint/correctness/useYield: what a reporter yields goes to standard output, which is the tests' own
export default async function* report(events) {
  const names = [];
  for await (const { type, data } of events) {
    if (type === "test:start") {
      names[data.nesting] = data.name;
    } else if (type === "test:pass" || type === "test:fail") {
      const { details, name, nesting, skip, todo } = data;
      tell({
        kind: type === "test:pass" ? "pass" : "fail",
        name,
        path: [...names.slice(0, nesting), name].join(" > "),
        nesting,
        skip: skip ?? todo,
        suite: details.type === "suite",
        tookMs: details.duration_ms,
        // The children that failed have been told already.
        byChildren: details.error?.failureType === "subtestsFailed",
        error: details.error === undefined ? undefined : describeError(details.error),
      });
    }
  }
}
