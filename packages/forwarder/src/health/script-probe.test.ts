import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "@lbpair/common";
import { createScriptProbe } from "./script-probe.js";
import { RUN_MARKER } from "./stray-processes.js";
import { contextOf, livingWith, openFolder, putScript, targetFor, times } from "./testing.js";

const isRoot = process.getuid?.() === 0;

interface Told {
  readonly passed: boolean;
  readonly reason: string;
  readonly answeredMs: number;
  readonly endedMs: number;
}

/** Runs one script to its end and everything it left to theirs. */
async function check(
  t: TestContext,
  lines: string,
  options: { timeoutMs?: number; mode?: number; name?: string; user?: string } = {},
): Promise<Told> {
  const { timeoutMs = 5000, mode = 0o755, name = "script", user = "nobody" } = options;
  const folder = await openFolder(t);
  await putScript(folder, "script", lines, mode);
  const { probe } = createScriptProbe({ run: runCommand, folder, user, scope: folder });
  const started = performance.now();
  const run = probe(
    targetFor({ type: "external", script: name, ...times(timeoutMs) }),
    contextOf(),
  );
  const result = await run.result;
  const answeredMs = performance.now() - started;
  await run.ended;
  const endedMs = performance.now() - started;
  t.diagnostic(
    `${result.passed ? "passed" : "failed"}: ${result.reason} (${Math.round(answeredMs)} ms, all over ${Math.round(endedMs)} ms)`,
  );
  return { ...result, answeredMs, endedMs };
}

test("exit code 0 passes, and the first line is the reason", async (t) => {
  const { passed, reason } = await check(t, "#!/bin/sh\necho all fine\necho more\nexit 0\n");
  assert.deepEqual([passed, reason], [true, "all fine"]);
});

test("any other exit code fails, and the first line says why", async (t) => {
  const { passed, reason } = await check(t, "#!/bin/sh\necho HL7 is stuck\nexit 4\n");
  assert.deepEqual([passed, reason], [false, "HL7 is stuck (exit code 4)"]);
});

test("a script without output, and one that speaks on standard error, have reasons too", async (t) => {
  assert.equal((await check(t, "#!/bin/sh\nexit 3\n")).reason, "script script: exit code 3");
  assert.equal((await check(t, "#!/bin/sh\necho oops >&2\nexit 1\n")).reason, "oops (exit code 1)");
});

test("a vendor-style script with four arguments runs unchanged", async (t) => {
  const lines = `#!/bin/bash
VIP="$1"; VPORT="$2"; RIP="$3"
if [ -z "$4" ] || [ "$4" = "0" ]; then PORT="$2"; else PORT="$4"; fi
echo "$VIP|$PORT|$RIP|$LB_VIP_NAME|$LB_RIP_NAME|$LB_RPORTS|$LB_ATTEMPT|$LB_LAST_RESULT"
`;
  const { reason } = await check(t, lines);
  const want = "192.168.200.100|12000 12001|127.0.0.1|VNA|PrimaryCluster|12000 12001|1|none";
  assert.equal(reason, want);
});

test("a script that is missing, not executable, no file or no name is unhealthy and says so", async (t) => {
  const missing = await check(t, "#!/bin/sh\n", { name: "absent" });
  assert.deepEqual([missing.passed, missing.reason], [false, "script absent is missing"]);
  const plain = await check(t, "#!/bin/sh\nexit 0\n", { mode: 0o644 });
  assert.deepEqual([plain.passed, plain.reason], [false, "script script is not executable"]);
  const outside = await check(t, "#!/bin/sh\n", { name: "../../bin/true" });
  assert.deepEqual(
    [outside.passed, outside.reason],
    [false, '"../../bin/true" is no name of a script'],
  );
  const folder = await check(t, "#!/bin/sh\n", { name: "." });
  assert.equal(folder.passed, false);
});

test("a script without an interpreter, or no program at all, is unhealthy and says so", async (t) => {
  const interpreter = await check(t, "#!/no/such/shell\nexit 0\n");
  assert.equal(interpreter.passed, false);
  assert.match(interpreter.reason, /cannot be started: .*No such file/);
  assert.equal((await check(t, "\u0000\u0001\u0002 no program")).passed, false);
  assert.equal((await check(t, "")).passed, false, "an empty file has checked nothing");
});

test("a hanging script answers at its timeout and is gone soon after", async (t) => {
  const told = await check(t, "#!/bin/sh\necho thinking\nsleep 61.0101\n", { timeoutMs: 300 });
  assert.equal(told.passed, false);
  assert.equal(told.reason, "script script gave no answer within 300 ms; it said: thinking");
  assert(told.answeredMs >= 299 && told.answeredMs < 1500, `${told.answeredMs} ms`);
  assert.deepEqual(await livingWith("61.0101"), []);
});

test("a script and grandchildren that ignore SIGTERM are killed", async (t) => {
  const lines = `#!/bin/bash
trap '' TERM
( trap '' TERM; ( trap '' TERM; sleep 61.0202; sleep 61.0202 ) & sleep 61.0202; sleep 61.0202 ) &
sleep 61.0202; sleep 61.0202; sleep 61.0202
`;
  const told = await check(t, lines, { timeoutMs: 300 });
  assert.equal(told.passed, false);
  assert(told.answeredMs < 1500, `the answer waits for no killing: ${told.answeredMs} ms`);
  assert(told.endedMs < 3000, `${told.endedMs} ms`);
  assert.deepEqual(await livingWith("61.0202"), []);
});

test("SIGTERM comes first: a script may clean up after itself", async (t) => {
  const folder = await openFolder(t);
  const note = `${folder}/open/note`;
  await runCommand(["mkdir", "-m", "777", `${folder}/open`]);
  const lines = `#!/bin/bash\ntrap 'echo cleaned > ${note}; exit 1' TERM\nsleep 61.0303 & wait\n`;
  await check(t, lines, { timeoutMs: 300 });
  assert.equal((await runCommand(["cat", note])).stdout, "cleaned\n");
  assert.deepEqual(await livingWith("61.0303"), []);
});

test("children left behind after a normal exit are ended, and do not delay the answer", async (t) => {
  const told = await check(
    t,
    "#!/bin/bash\nsleep 61.0404 &\nnohup sleep 61.0404 >/dev/null 2>&1 &\necho ok\n",
  );
  assert.deepEqual([told.passed, told.reason], [true, "ok"]);
  assert(told.answeredMs < 2000, `${told.answeredMs} ms`);
  assert.deepEqual(await livingWith("61.0404"), []);
});

test("children that leave the process group and the session are ended too", async (t) => {
  const lines = `#!/bin/bash
setsid sleep 61.0505 &
( setsid bash -c "trap '' TERM; sleep 61.0505; sleep 61.0505" & ) &
timeout 60 sleep 61.0505 &
echo ok
sleep 0.2
`;
  assert.equal((await check(t, lines)).reason, "ok");
  assert.deepEqual(await livingWith("61.0505"), []);
});

test("a script that forks without end is ended with all its offspring", async (t) => {
  const lines = `#!/bin/bash
n=0
while [ $n -lt 40 ]; do ( while :; do sleep 61.0606; done ) & n=$((n+1)); done
sleep 61.0606
`;
  const told = await check(t, lines, { timeoutMs: 800 });
  assert.equal(told.passed, false);
  assert.deepEqual(await livingWith("61.0606"), []);
});

test("100 MB of output are not kept: the script is ended and unhealthy", async (t) => {
  const before = process.memoryUsage().rss;
  const told = await check(t, "#!/bin/sh\necho first words\nhead -c 100000000 /dev/zero\nexit 0\n");
  const grownMb = (process.memoryUsage().rss - before) / 1e6;
  t.diagnostic(`memory grew by ${grownMb.toFixed(1)} MB`);
  assert.equal(told.passed, false);
  assert.equal(told.reason, "script script printed more than 1048576 bytes; it said: first words");
  assert(grownMb < 50, `${grownMb} MB`);
});

test("a script gets neither root, nor the daemon's environment, nor its files", async (t) => {
  process.env.LBPAIR_TEST_SECRET = "canary-61";
  const folder = await openFolder(t);
  await putScript(folder, "canary-62", "secret");
  const file = openSync(`${folder}/canary-62`, "r");
  t.after(() => closeSync(file));
  const lines = `#!/bin/bash
files=$(readlink /proc/self/fd/* | grep -c canary-62)
echo "files=$files uid=$(id -u) groups=$(id -G) nnp=$(grep -c 'NoNewPrivs:.1' /proc/self/status) secret=$LBPAIR_TEST_SECRET pwd=$PWD"
`;
  const { reason } = await check(t, lines);
  const uid = isRoot ? "65534" : `${process.getuid?.()}`;
  const groups = isRoot ? " groups=65534" : "";
  assert(reason.startsWith(`files=0 uid=${uid}${groups}`), reason);
  assert.match(reason, / nnp=1 secret= pwd=\/$/);
});

test("scripts never run as root, nor as a user there is not", {
  skip: isRoot ? false : "needs root",
}, async (t) => {
  const root = await check(t, "#!/bin/sh\nexit 0\n", { user: "root" });
  assert.deepEqual(
    [root.passed, root.reason],
    [false, 'scripts never run as root, which "root" is'],
  );
  const nobody = await check(t, "#!/bin/sh\nexit 0\n", { user: "hck-no-such-user" });
  assert.equal(nobody.reason, 'scripts cannot run: there is no user "hck-no-such-user"');
});

test("ending a check early ends its script", async (t) => {
  const folder = await openFolder(t);
  await putScript(folder, "script", "#!/bin/sh\nsleep 61.0707\n");
  const { probe } = createScriptProbe({ run: runCommand, folder, user: "nobody", scope: folder });
  const abort = new AbortController();
  const check = { type: "external" as const, script: "script", ...times(20_000) };
  const run = probe(targetFor(check), contextOf(abort.signal));
  await sleep(300);
  assert.equal((await livingWith("sleep\x0061.0707")).length, 1);
  abort.abort();
  await run.ended;
  assert.equal((await run.result).passed, false);
  assert.deepEqual(await livingWith("61.0707"), []);
});

test("what a killed daemon's scripts left running is ended by the next, and nobody else's is", async (t) => {
  const folder = await openFolder(t);
  const own = createScriptProbe({ run: runCommand, folder, user: "nobody", scope: folder });
  const { createHash } = await import("node:crypto");
  const scope = createHash("sha256").update(folder).digest("hex").slice(0, 12);
  const start = (marker: string, seconds: string): ChildProcess => {
    const who = isRoot
      ? ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
      : ["--no-new-privs"];
    const env = { PATH: process.env.PATH ?? "", [RUN_MARKER]: marker };
    return spawn("setpriv", [...who, "sleep", seconds], { env, stdio: "ignore" });
  };
  const left = start(`${scope}/1-dead/1`, "61.0808");
  const others = start("ffffffffffff/1-alive/1", "61.0909");
  t.after(() => others.kill("SIGKILL"));
  t.after(() => left.kill("SIGKILL"));
  await sleep(200);
  await own.clean();
  await sleep(50);
  assert.deepEqual(await livingWith("61.0808"), []);
  assert.equal((await livingWith("61.0909")).length, 1);
});

test("a killed daemon takes its running scripts along", async (t) => {
  const folder = await openFolder(t);
  await putScript(folder, "script", "#!/bin/sh\nexec sleep 61.1010\n");
  const module = new URL("./script-probe.js", import.meta.url).href;
  const program = `
    import { createScriptProbe } from ${JSON.stringify(module)};
    import { runCommand } from "@lbpair/common";
    const folder = ${JSON.stringify(folder)};
    const { probe } = createScriptProbe({ run: runCommand, folder, user: "nobody", scope: folder });
    const check = { type: "external", script: "script", interval: 30000, timeout: 20000, failures: 1, successes: 1 };
    probe({ id: "a/b", service: "a", server: "b", vip: "1", vports: [], address: "2", protocol: "tcp", check },
      { signal: new AbortController().signal, attempt: 1, lastResult: "none" });
  `;
  const cwd = new URL("../..", import.meta.url).pathname;
  const daemon = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd,
    stdio: "ignore",
  });
  for (let i = 0; i < 50 && (await livingWith("sleep\x0061.1010")).length === 0; i += 1)
    await sleep(100);
  assert.equal((await livingWith("sleep\x0061.1010")).length, 1);
  daemon.kill("SIGKILL");
  await sleep(300);
  assert.deepEqual(await livingWith("sleep\x0061.1010"), []);
});
