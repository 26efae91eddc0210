// servant.test.ts — promises of servant.ts and of the shells behind it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { createServant } from "./servant.js";

const servant = createServant();
const { run } = servant;
after(() => servant.close());

/** Parent of a process, as the kernel says. */
const parentOf = (pid: string): string =>
  /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";

test("a command gets its words and its input unchanged, and both outputs and its code come back", async () => {
  const words = ["a b", "$HOME `id`", "'\"\\", "", "*", "-n"];
  const input = "$HOME 'x'\n`id` \\n\n".repeat(5000);
  const show = ["sh", "-c", 'printf "<%s>" "$@"; cat >&2; exit 7', "sh", ...words];
  const { code, stdout, stderr, timedOut, truncated } = await run(show, { input });
  assert.equal(stdout, words.map((word) => `<${word}>`).join(""));
  assert.equal(stderr, input);
  assert.deepEqual({ code, timedOut, truncated }, { code: 7, timedOut: false, truncated: false });
});

test("its parent is a shell that is there already, whatever is asked", async () => {
  servant.prepare();
  const ask = () => run(["sh", "-c", "echo $PPID"]);
  const all = await Promise.all(Array.from({ length: 12 }, ask));
  const shells = new Set(all.map(({ stdout }) => stdout.trim()));
  console.log(`12 commands by the shells ${[...shells].join(", ")} of ${process.pid}`);
  assert.ok(shells.size <= 3);
  for (const shell of shells) assert.equal(parentOf(shell), `${process.pid}`);
});

test("input that nobody reads does not become the next command", async () => {
  for (let i = 0; i < 5; i += 1) {
    const { code } = await run(["false"], { input: "begin a command\nrm\n0\n".repeat(10_000) });
    assert.equal(code, 1);
    assert.equal((await run(["echo", `${i}`])).stdout, `${i}\n`);
  }
});

test("more output than wanted is thrown away, and what comes next is whole", async () => {
  const { stdout, truncated, code } = await run(["seq", "100000"], { outputBytesMax: 1000 });
  assert.deepEqual([Buffer.byteLength(stdout), truncated, code], [1000, true, 0]);
  const exact = await run(["printf", "%s", "x".repeat(1000)], { outputBytesMax: 1000 });
  assert.deepEqual([exact.stdout.length, exact.truncated], [1000, false]);
  assert.equal((await run(["seq", "100000"])).stdout.length, 588_895);
});

test("what is too late is killed and said, also while it waits for its turn; the shell goes on", async () => {
  const all = [1, 2, 3, 4].map(() => run(["sleep", "60"], { timeoutMs: 300 }));
  for (const { timedOut, code, signal, tookMs } of await Promise.all(all)) {
    assert.deepEqual({ timedOut, code, signal }, { timedOut: true, code: null, signal: "SIGKILL" });
    assert.ok(tookMs < 5000, `${tookMs} ms`);
  }
  assert.equal((await run(["echo", "on"])).stdout, "on\n");
});

test("a command that does not exist fails, and a shell that is killed is started again", async () => {
  const missing = await run(["/nonexistent/command"]);
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /not found/);
  const killed = await run(["sh", "-c", "kill -9 $PPID; sleep 5"]);
  assert.deepEqual([killed.code, killed.timedOut], [null, false]);
  assert.equal((await run(["echo", "again"])).stdout, "again\n");
});

test("what needs an environment or a line break in a word is run all the same", async () => {
  const { stdout } = await run(["sh", "-c", "echo $GREETING"], {
    env: { PATH: process.env.PATH ?? "", GREETING: "hello" },
  });
  assert.equal(stdout, "hello\n");
  assert.equal((await run(["echo", "two\nlines"])).stdout, "two\nlines\n");
});
