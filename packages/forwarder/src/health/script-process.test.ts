import assert from "node:assert/strict";
import { test } from "node:test";
import { runCommand } from "@lbpair/common";
import { runScript, SCRIPT_GRACE_MS, type ScriptRun } from "./script-process.js";
import { livingWith } from "./testing.js";

const start = (lines: string, timeoutMs = 5000): ScriptRun =>
  runScript(["bash", "-c", lines], {
    env: { PATH: process.env.PATH ?? "" },
    timeoutMs,
    signal: new AbortController().signal,
  });

test("when a script exits, the rest of its process group is killed at once", async () => {
  const run = start("trap '' TERM; sleep 63.0101 & sleep 63.0101 & exit 7");
  const outcome = await run.outcome;
  assert.deepEqual([outcome.end, outcome.code], ["exited", 7]);
  await run.gone;
  assert.deepEqual(await livingWith("sleep\x0063.0101"), []);
});

test("when its time is out, a group that ignores SIGTERM is gone after the grace", async (t) => {
  const started = performance.now();
  const run = start(
    "trap '' TERM; (trap '' TERM; sleep 63.0202; sleep 63.0202) & sleep 63.0202; sleep 63.0202",
    200,
  );
  assert.equal((await run.outcome).end, "timed-out");
  const answeredMs = performance.now() - started;
  await run.gone;
  const goneMs = performance.now() - started;
  t.diagnostic(`answer after ${Math.round(answeredMs)} ms, gone after ${Math.round(goneMs)} ms`);
  assert(answeredMs < 200 + SCRIPT_GRACE_MS, `${answeredMs} ms`);
  assert(goneMs >= 199 + SCRIPT_GRACE_MS && goneMs < 2500, `${goneMs} ms`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(await livingWith("sleep\x0063.0202"), []);
});

test("a script that ends at SIGTERM with its group does not take the whole grace", async () => {
  const started = performance.now();
  const run = start("exec sleep 63.0303", 100);
  await run.gone;
  assert(performance.now() - started < 100 + SCRIPT_GRACE_MS, "it was waited for in vain");
});

test("a program that does not exist is not started, and says so", async () => {
  const run = runScript(["/no/such/program"], {
    env: {},
    timeoutMs: 1000,
    signal: new AbortController().signal,
  });
  const outcome = await run.outcome;
  assert.equal(outcome.end, "not-started");
  assert.match(outcome.line, /ENOENT/);
  await run.gone;
});

/** Opens files until there are no more, then runs a script. */
const WITHOUT_DESCRIPTORS = `
  const { openSync } = await import("node:fs");
  const { runScript } = await import(process.argv[1]);
  await new Promise((done) => setTimeout(done, 50));
  try {
    for (;;) openSync("/dev/null", "r");
  } catch {}
  const options = { env: {}, timeoutMs: 1000, signal: new AbortController().signal };
  const script = runScript(["/bin/true"], options);
  const { end, line } = await script.outcome;
  await script.gone;
  process.stdout.write(end + " " + line);`;

test("a script that finds no file descriptor left is not started, and ends nothing", async () => {
  const file = new URL("./script-process.js", import.meta.url).href;
  const node = [process.execPath, "--input-type=module", "-e", WITHOUT_DESCRIPTORS, file];
  const { stdout, stderr, code } = await runCommand(["prlimit", "--nofile=100:100", ...node]);
  console.log("seen:", stdout, stderr.slice(0, 300));
  assert.equal(code, 0);
  assert.match(stdout, /^not-started .*EMFILE/);
});
