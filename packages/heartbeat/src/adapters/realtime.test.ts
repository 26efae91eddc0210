import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { runCommand } from "@lbpair/common";
import { requestRealtime } from "./realtime.js";

const schedulingOf = async (pid: number): Promise<string> =>
  /policy: (\S+)/.exec((await runCommand(["chrt", "-p", `${pid}`])).stdout)?.[1] ?? "";

test("a helper's helper that was there before real-time scheduling was granted gets it too", async (t) => {
  // A process with a helper that has one of its own, all of them ordinary.
  const below = "sh -c 'sleep 60 & echo $!; wait' & wait";
  const parent = spawn("sh", ["-c", below], { stdio: "pipe" });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const helper = Number(`${line}`);
  try {
    assert.ok(parent.pid !== undefined);
    const refused = await requestRealtime(runCommand, parent.pid);
    if (refused !== null) return t.skip(refused);
    assert.equal(await schedulingOf(parent.pid), "SCHED_RR");
    assert.equal(await schedulingOf(helper), "SCHED_RR");
  } finally {
    process.kill(helper, "SIGKILL");
    parent.kill("SIGKILL");
  }
});

test("a refusal is told in chrt's own words, and no helper is asked for", async () => {
  const asked: string[] = [];
  const said = await requestRealtime(async (argv) => {
    asked.push(argv.join(" "));
    return {
      argv,
      code: 1,
      stdout: "",
      stderr: "chrt: failed\nmore",
      timedOut: false,
      signal: null,
      truncated: false,
      tookMs: 1,
    };
  }, process.pid);
  assert.equal(said, "chrt: failed");
  assert.equal(asked.length, 1);
});
