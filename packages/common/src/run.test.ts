// run.test.ts — commands are bounded in time and output, and nothing of them is ever left running.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { CommandError, mustRun, RUN_GRACE_MS, runCommand } from "./run.js";

const isAlive = async (pid: number): Promise<boolean> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "State: Z");
  return !/^State:\s+Z/m.test(status);
};
const sh = (script: string): string[] => ["sh", "-c", script];

test("a command's output, exit code and input come and go whole", async () => {
  const result = await runCommand(["sh", "-c", "cat; echo bad >&2; exit 3"], { input: "in" });
  const { code, stdout, stderr, timedOut, truncated } = result;
  assert.deepEqual(
    { code, stdout, stderr, timedOut, truncated },
    { code: 3, stdout: "in", stderr: "bad\n", timedOut: false, truncated: false },
  );
});

test("a result names the process id the command had, or none where it never started", async () => {
  const { pid, stdout } = await runCommand(sh("echo $$"));
  assert.equal(`${pid}\n`, stdout);
  assert.equal((await runCommand(["/nowhere/at-all"])).pid, undefined);
});

test("arguments are never read by a shell", async () => {
  const result = await runCommand(["printf", "%s", "$(id); rm -rf '*' \"\n"]);
  assert.equal(result.stdout, "$(id); rm -rf '*' \"\n");
});

test("at the timeout a command and its grandchild that ignore TERM are both gone", async () => {
  const script = `sh -c 'trap "" TERM; echo $$; sleep 60' & trap "" TERM; wait; sleep 60`;
  const result = await runCommand(sh(script), { timeoutMs: 300 });
  assert.ok(result.timedOut);
  assert.equal(result.signal, "SIGKILL");
  assert.ok(result.tookMs < 300 + 3 * RUN_GRACE_MS, `${result.tookMs} ms`);
  const grandchild = Number(result.stdout.trim());
  assert.ok(grandchild > 1);
  await wait(50);
  assert.equal(await isAlive(grandchild), false, `process ${grandchild} is left`);
});

test("what a successful command leaves in the background is gone too, with or without its pipes", async () => {
  for (const where of ["", ">/dev/null 2>&1 </dev/null"]) {
    const result = await runCommand(sh(`sleep 60 ${where} & echo $!`));
    assert.equal(result.code, 0);
    assert.ok(result.tookMs < 3 * RUN_GRACE_MS, `${result.tookMs} ms`);
    await wait(50);
    assert.equal(await isAlive(Number(result.stdout.trim())), false, `left with ${where}`);
  }
});

test("100 MB of output are read and thrown away beyond the bound", async () => {
  const result = await runCommand(["head", "-c", "100000000", "/dev/zero"], {
    outputBytesMax: 1000,
  });
  assert.equal(result.code, 0);
  assert.equal(result.stdout.length, 1000);
  assert.ok(result.truncated);
});

test("a command that is missing, not executable or too long is an answer, not an exception", async () => {
  const long = "x".repeat(300_000);
  for (const argv of [["/does/not/exist"], ["/etc/passwd"], ["echo", long], ["a\0b"], []]) {
    const result = await runCommand(argv);
    assert.equal(result.code, null);
    assert.notEqual(result.stderr, "", `${argv[0]}`);
  }
});

test("mustRun says which command failed, how, and what it said", async () => {
  await assert.rejects(
    mustRun(runCommand, ["sh", "-c", "echo no such link >&2; exit 2"]),
    (error: unknown) => {
      assert.ok(error instanceof CommandError);
      assert.match(error.message, /^sh -c .*: exit code 2: no such link$/);
      return true;
    },
  );
  await assert.rejects(mustRun(runCommand, ["/does/not/exist"]), /did not start: .*ENOENT/);
});

test("a command that never reads its input does not break the caller", async () => {
  const result = await runCommand(["true"], { input: "x".repeat(10_000_000) });
  assert.equal(result.code, 0);
});

test("input in parts is made only as fast as it is read", async () => {
  let made = 0;
  function* parts(): Generator<string> {
    for (; made < 100_000; made += 1) yield `${"x".repeat(1000)}\n`;
  }
  const result = await runCommand(["head", "-n", "3"], { inputParts: parts() });
  console.log(`seen: ${result.stdout.length} bytes, ${made} parts made`);
  assert.equal(result.code, 0);
  assert.equal(result.stdout.length, 3003);
  assert.ok(made < 10_000);
});

test("a part that cannot be made ends the command before it acts on half an input", async () => {
  function* parts(): Generator<string> {
    yield "echo half\n";
    throw new Error("the second part is missing");
  }
  // A shell that reads all of its input first, as nft does.
  const result = await runCommand(["sh", "-c", "cat > /dev/null; echo acted"], {
    inputParts: parts(),
  });
  console.log("seen:", result.signal, result.stderr);
  assert.equal(result.stdout, "");
  assert.equal(result.signal, "SIGKILL");
  assert.match(result.stderr, /second part is missing/);
});

test("output that is taken as it comes is not kept", async () => {
  let taken = "";
  const result = await runCommand(["seq", "1", "5"], {
    onOutput: (text) => {
      taken += text;
    },
  });
  assert.equal(taken, "1\n2\n3\n4\n5\n");
  assert.equal(result.stdout, "");
});
