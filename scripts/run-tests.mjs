// run-tests.mjs — which tests run when: unit tests, the simulated pair, the kernel's and the lab's; two files at a time where they may.
//
// node scripts/run-tests.mjs [unit] [sim] [planted] [kernel] [lab] [part of a file's path …] [--failed=STEP]
// All phases unless some are named; --failed counts a step before the tests, such as lint. Runs compiled files; `npm run build` comes first.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inOrder, nextBeside } from "./testing/company.mjs";
import { removeDeadNamespaces } from "./testing/leftovers.mjs";
import { eventLine, Tally } from "./testing/tally.mjs";
import { runTestFile } from "./testing/test-file.mjs";

process.chdir(new URL("..", import.meta.url).pathname);

const testsBelow = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .filter((name) => name.endsWith(".test.js") && !name.includes("node_modules"))
        .map((name) => join(folder, name))
        .sort()
    : [];

const PHASES = {
  unit: {
    title: "unit tests",
    concurrency: 2,
    files: () => [
      ...readdirSync("packages").flatMap((name) => testsBelow(join("packages", name, "dist"))),
      ...testsBelow("test/dist/tidy"),
      ...testsBelow("test/dist/fuzz"),
      ...testsBelow("bench/dist"),
    ],
  },
  sim: {
    title: "simulated pair",
    concurrency: 1,
    files: () => testsBelow("test/dist/sim").filter((file) => !file.includes("planted")),
  },
  planted: {
    title: "bugs planted for the simulation to find",
    concurrency: 1,
    files: () => testsBelow("test/dist/sim").filter((file) => file.includes("planted")),
  },
  kernel: {
    title: "kernel tests",
    concurrency: 2,
    namespaces: true,
    files: () => [...testsBelow("test/dist/kernel"), ...testsBelow("test/dist/model")],
  },
  lab: {
    title: "lab tests",
    concurrency: 2,
    namespaces: true,
    files: () => testsBelow("test/dist/lab"),
  },
};

/** Side by side, a file's lines come together when it is done; alone, they come as they happen. */
async function runFile(file, tally, streaming) {
  const lines = [];
  const begun = performance.now();
  const say = streaming ? console.log : (line) => lines.push(line);
  say(file);
  const outcome = await runTestFile(file, {
    onEvent: (event) => say(eventLine(event)),
    onOutput: (line) => say(`    | ${line}`),
  });
  if (outcome.trouble !== undefined) say(`  ✖ the file ${outcome.trouble}`);
  if (!streaming) console.log(lines.join("\n"));
  tally.add(file, outcome, performance.now() - begun);
}

function clearNamespaces() {
  for (const left of removeDeadNamespaces()) console.log(`removed, its test is dead: ${left}`);
}

async function runPhase({ title, concurrency, files, namespaces }, filters, tally) {
  const all = files().filter(
    (file) => filters.length === 0 || filters.some((part) => file.includes(part)),
  );
  console.log(`\n── ${title}: ${all.length} files ──`);
  const begun = performance.now();
  const queue = inOrder(all);
  const running = new Map();
  while (queue.length > 0 || running.size > 0) {
    const next = running.size < concurrency && nextBeside(queue, [...running.keys()]);
    if (!next) {
      await Promise.race(running.values());
      continue;
    }
    queue.splice(queue.indexOf(next), 1);
    if (namespaces) clearNamespaces();
    const run = runFile(next.file, tally, concurrency === 1 || next.company === "alone");
    running.set(
      next,
      run.finally(() => running.delete(next)),
    );
  }
  tally.addPhase(title, performance.now() - begun);
}

const named = process.argv.slice(2);
const phases = Object.keys(PHASES).filter((name) => named.includes(name));
const filters = named.filter((name) => PHASES[name] === undefined && !name.startsWith("--"));
const tally = new Tally();
for (const [, step] of named.map((name) => /^--failed=(\w+)$/.exec(name)).filter(Boolean)) {
  tally.failures.push({ what: step, error: "failed before the tests began: see above" });
}
console.log(`node ${process.version}`);
for (const name of phases.length === 0 ? Object.keys(PHASES) : phases) {
  await runPhase(PHASES[name], filters, tally);
}
console.log(tally.closing);
process.exitCode = tally.ok ? 0 : 1;
