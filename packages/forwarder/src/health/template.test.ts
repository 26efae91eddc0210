import assert from "node:assert/strict";
import { chmod, copyFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommand } from "@lbpair/common";
import { createScriptProbe } from "./script-probe.js";
import { runScript } from "./script-process.js";
import {
  closedPort,
  contextOf,
  listenOn,
  livingWith,
  openFolder,
  silentPort,
  singlePorts,
  targetFor,
  times,
} from "./testing.js";

const NAME = "IBM-WHI-iConnect-Enterprise-Archive";
const TEMPLATE = fileURLToPath(new URL(`../../../common/templates/${NAME}`, import.meta.url));

/** The line that says why; single ports follow it. */
const firstOf = (text: string): string => text.slice(0, text.indexOf("\n") + 1);

const call = (words: readonly string[], timeoutMs = 2000) =>
  runCommand(["setpriv", "--no-new-privs", TEMPLATE, ...words], {
    env: { PATH: process.env.PATH ?? "", LB_CHECK_TIMEOUT_MS: `${timeoutMs}` },
  });

test("the archive's check passes when all seven ports accept", async (t) => {
  const ports = await Promise.all(Array.from({ length: 7 }, () => listenOn(t)));
  const result = await call(["192.168.200.100", ports.join(" "), "127.0.0.1", "0"]);
  t.diagnostic(`${result.stdout.trim()} (${Math.round(result.tookMs)} ms)`);
  assert.deepEqual([result.code, firstOf(result.stdout)], [0, "all 7 ports accept\n"]);
});

test("one closed port of seven fails the archive's check, wherever in the list it stands", async (t) => {
  const open = await Promise.all(Array.from({ length: 6 }, () => listenOn(t)));
  const closed = await closedPort();
  for (const at of [0, 3, 6]) {
    const ports = open.toSpliced(at, 0, closed);
    const result = await call(["192.168.200.100", ports.join(" "), "127.0.0.1", ""]);
    assert.deepEqual(
      [result.code, firstOf(result.stdout)],
      [1, `closed: ${closed} refused\n`],
      `place ${at}`,
    );
  }
});

test("all closed ports are named, not only the last", async (t) => {
  const open = await listenOn(t);
  const closed = [await closedPort(), await closedPort(), await closedPort()];
  const ports = [closed[0], open, closed[1], closed[2]].join(" ");
  const result = await call(["192.168.200.100", ports, "127.0.0.1", "0"]);
  assert.deepEqual(
    [result.code, firstOf(result.stdout)],
    [1, `closed: ${closed.join(" ")} refused\n`],
  );
});

test("ending the archive's check ends all it started, by its process group alone", async (t) => {
  const silent = await silentPort(t);
  const run = runScript([TEMPLATE, "192.168.200.100", `${silent}`, "127.0.0.1", "0"], {
    env: { PATH: process.env.PATH ?? "", LB_CHECK_TIMEOUT_MS: "60000" },
    timeoutMs: 300,
    signal: new AbortController().signal,
  });
  assert.equal((await run.outcome).end, "timed-out");
  await run.gone;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(await livingWith("/dev/tcp/"), []);
});

test("the archive's check uses the real server's ports where there are some", async (t) => {
  const port = await listenOn(t);
  const closed = `${await closedPort()}`;
  assert.equal((await call(["192.168.200.100", closed, "127.0.0.1", `${port}`])).code, 0);
});

test("silent ports are tried at the same time and named before the check's time is over", async (t) => {
  const silent = [await silentPort(t), await silentPort(t)];
  const [open, closed] = [await listenOn(t), await closedPort()];
  const ports = [silent[0], open, silent[1], closed].join(" ");
  const result = await call(["192.168.200.100", ports, "127.0.0.1", "0"], 3000);
  t.diagnostic(`${result.stdout.trim()} (${Math.round(result.tookMs)} ms)`);
  const want = `closed: ${closed} refused, ${silent.join(" ")} no answer\n`;
  assert.deepEqual([result.code, firstOf(result.stdout)], [1, want]);
  assert(result.tookMs >= 2399 && result.tookMs < 3000, `${result.tookMs} ms`);
});

test("the archive's check, called wrongly, says how it wants to be called", async () => {
  for (const words of [
    [],
    ["192.168.200.100", "12000", ""],
    ["1", "12000; rm -rf /", "127.0.0.1"],
    ["1", "$(id)", "127.0.0.1"],
  ]) {
    const result = await call(words);
    assert.equal(result.code, 2, words.join(" "));
    assert.match(result.stdout, /^called wrongly: /);
  }
});

test("as a check of the forwarder the archive's script passes, fails and leaves nothing behind", async (t) => {
  const folder = await openFolder(t);
  await copyFile(TEMPLATE, `${folder}/${NAME}`);
  await chmod(`${folder}/${NAME}`, 0o755);
  const { probe } = createScriptProbe({ run: runCommand, folder, user: "nobody", scope: folder });
  const check = { type: "external" as const, script: NAME, ...times(1000) };
  const ports = [await listenOn(t), await listenOn(t)];
  const quiet = await silentPort(t);
  const first = probe(targetFor(check, { vports: singlePorts(...ports) }), contextOf());
  assert.deepEqual(await first.result, {
    passed: true,
    reason: "all 2 ports accept",
    ports: { total: 2, closed: [] },
  });
  const silent = probe(targetFor(check, { vports: singlePorts(quiet) }), contextOf());
  const { passed, reason } = await silent.result;
  assert.deepEqual([passed, reason], [false, `closed: ${quiet} no answer (exit code 1)`]);
  await Promise.all([first.ended, silent.ended]);
  assert.deepEqual(await livingWith("/dev/tcp/"), []);
});
