// test-file.mjs — runs one compiled test file in a process of its own, bounded, and leaves nothing of it behind.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { killMarked, MARK, markedProcesses } from "./leftovers.mjs";

/** A run with many repeats asks for more. */
export const FILE_TIMEOUT_MS = Number(process.env.LBPAIR_FILE_MINUTES ?? 5) * 60_000;
const TERM_GRACE_MS = 10_000;
/** Processes that are about to end by themselves are not called leftovers. */
const SETTLE_MS = 300;
const OUTPUT_LINES_MAX = 400;
const LINE_CHARACTERS_MAX = 2000;

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The running files' processes, so that an interrupted run leaves none of them behind. */
const running = new Set();

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone, which is what was wanted.
  }
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  process.once(signal, () => {
    for (const { pid, mark } of running) {
      signalGroup(pid, "SIGKILL");
      killMarked(mark);
    }
    process.exit(1);
  });
}

/** Output of the tests themselves: whole lines, bounded. */
function passLines(stream, tell) {
  let told = 0;
  createInterface({ input: stream }).on("line", (line) => {
    told += 1;
    if (told <= OUTPUT_LINES_MAX) tell(line.slice(0, LINE_CHARACTERS_MAX));
    else if (told === OUTPUT_LINES_MAX + 1) tell("… more output is not shown");
  });
}

function troubleOf({ timedOut, timeoutMs, code, signal, events }) {
  if (timedOut) return `did not end within ${timeoutMs / 1000} s`;
  if (signal !== null) return `ended by ${signal}`;
  const failed = events.some((event) => event.kind === "fail");
  if (code !== 0 && !failed) return `exit code ${code} although no test failed`;
  return events.length === 0 ? "holds no test" : undefined;
}

/** TERM to the whole group at the end of the time, KILL after a grace; answers with how to stop that. */
function boundTime(pid, timeoutMs, onTimeout) {
  let last;
  const first = setTimeout(() => {
    onTimeout();
    signalGroup(pid, "SIGTERM");
    last = setTimeout(() => signalGroup(pid, "SIGKILL"), TERM_GRACE_MS);
  }, timeoutMs);
  return () => {
    clearTimeout(first);
    clearTimeout(last);
  };
}

/** Kills what carries the mark and does not end by itself; answers with what that was. */
async function clearAway(pid, mark) {
  if (markedProcesses(mark).length > 0) await wait(SETTLE_MS);
  const left = killMarked(mark);
  signalGroup(pid, "SIGKILL");
  return left;
}

/**
 * Resolves with `{events, trouble, left}`: every test's outcome; why the file as a whole failed, or
 * undefined; processes that it left behind and that were killed.
 */
export async function runTestFile(file, { onEvent, onOutput, timeoutMs = FILE_TIMEOUT_MS }) {
  const mark = `${process.pid}-${process.hrtime.bigint()}`;
  const reporter = new URL("./reporter.mjs", import.meta.url).href;
  const options = [`--test-reporter=${reporter}`, "--test-reporter-destination=stdout"];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--enable-source-maps", ...options, file], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: { ...env, [MARK]: mark },
  });
  const entry = { pid: child.pid, mark };
  running.add(entry);
  const events = [];
  createInterface({ input: child.stdio[3] }).on("line", (line) => {
    const event = JSON.parse(line);
    events.push(event);
    onEvent(event);
  });
  passLines(child.stdout, onOutput);
  passLines(child.stderr, onOutput);
  let timedOut = false;
  const cancel = boundTime(child.pid, timeoutMs, () => {
    timedOut = true;
  });
  const closed = new Promise((resolve) => child.on("close", resolve));
  const [code, signal] = await new Promise((resolve) => {
    child.on("exit", (...how) => resolve(how));
  });
  cancel();
  const left = await clearAway(child.pid, mark);
  // A process that left the mark behind may still hold the pipes.
  await Promise.race([closed, wait(2000)]);
  running.delete(entry);
  return { events, left, trouble: troubleOf({ timedOut, timeoutMs, code, signal, events }) };
}
