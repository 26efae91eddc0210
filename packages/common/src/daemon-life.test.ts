// daemon-life.test.ts — the way out of a daemon and its log, tried on real processes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";

const index = new URL("./index.js", import.meta.url).href;

/** Runs a program that says "up", sends it a signal then, and answers with its end. */
function program(body: string, signals: readonly NodeJS.Signals[]) {
  const source = `const c = await import(${JSON.stringify(index)});\n${body}\nconsole.log("up");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source]);
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const first = !stdout.includes("up");
    stdout += chunk.toString();
    if (first && stdout.includes("up")) for (const signal of signals) child.kill(signal);
  });
  return new Promise<{ code: number | null; stdout: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout }));
  });
}

test("a daemon told to stop does its handler once, and exits with 0", async () => {
  const body = `setInterval(() => {}, 1000);
    c.onShutdown(async (signal) => {
      console.log("handled " + signal);
      await new Promise((resolve) => setTimeout(resolve, 200));
    });`;
  const { code, stdout } = await program(body, ["SIGTERM", "SIGINT"]);
  assert.equal(code, 0);
  assert.equal(stdout.match(/handled/g)?.length, 1);
});

test("a daemon whose way out fails exits with 1", async () => {
  const body = `setInterval(() => {}, 1000);
    c.onShutdown(async () => { throw new Error("disk"); });`;
  assert.equal((await program(body, ["SIGTERM"])).code, 1);
});

test("the log writes JSON lines with the daemon's name and blots secrets out", async () => {
  const body = `c.createLog("heartbeat", "info").info({ key: "s3cret", peer: { password: "s3cret" } }, "now active");`;
  const { stdout } = await program(body, []);
  const line = stdout.split("\n").find((each) => each.startsWith("{"));
  const record = JSON.parse(line ?? "{}") as { name?: string; msg?: string };
  assert.equal(record.name, "heartbeat");
  assert.equal(record.msg, "now active");
  assert.ok(!stdout.includes("s3cret"), stdout);
});

test("the clock runs forward in fractions of milliseconds, whatever the wall says", async () => {
  const { systemClock } = await import("./clock.js");
  const times = Array.from({ length: 1000 }, () => systemClock.now());
  assert.ok(times.every((time, i) => i === 0 || time >= (times[i - 1] ?? 0)));
  assert.ok(new Set(times).size > 1);
  assert.ok(Math.abs(systemClock.wall().getTime() - Date.now()) < 1000);
});
