// daemon.test.ts — promises of daemon.ts where there is no configuration it could use.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { appliancePaths, createLog, millis, type Run, systemClock } from "@lbpair/common";
import { ForwarderDaemon } from "./daemon.js";

/** An nft that lists a table, or says that there is none. */
const nft =
  (present: boolean): Run =>
  async (argv) => ({
    argv,
    code: present ? 0 : 1,
    signal: null,
    stdout: "",
    stderr: present ? "" : "Error: No such file or directory",
    timedOut: false,
    truncated: false,
    tookMs: millis(1),
  });

async function readyFileAfterStart(present: boolean): Promise<boolean> {
  const root = await mkdtemp(join(tmpdir(), "lbpair-daemon-"));
  const roots = { etc: join(root, "etc"), state: join(root, "state"), run: join(root, "run") };
  for (const folder of Object.values(roots)) await mkdir(folder);
  const paths = appliancePaths(roots);
  await writeFile(paths.forwarderReadyFile, "1\n");
  const log = createLog("forwarder", "error");
  try {
    const run = nft(present);
    const daemon = await ForwarderDaemon.start({ paths, clock: systemClock, run, log });
    const { ready } = await daemon.status();
    assert.equal(ready, present);
    const exists = existsSync(paths.forwarderReadyFile);
    await daemon.stop();
    return exists;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

test("an earlier life's ready file goes where its table is gone, and stays where it is not", async () => {
  const seen = { gone: await readyFileAfterStart(false), present: await readyFileAfterStart(true) };
  console.log("seen:", seen);
  assert.deepEqual(seen, { gone: false, present: true });
});
