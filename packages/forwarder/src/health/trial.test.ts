// trial.test.ts — a check run by hand shows everything and changes nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CheckConfig, RefusalError, runCommand } from "@lbpair/common";
import { runHealthCheck } from "../health-check-order.js";
import { createScriptProbe } from "./script-probe.js";
import {
  closedPort,
  contextOf,
  listenOn,
  openFolder,
  putScript,
  singlePorts,
  targetFor,
  times,
} from "./testing.js";
import { tryCheck } from "./trial.js";

test("a script's trial shows argv, environment, output and each port for itself", async (t) => {
  const folder = await openFolder(t);
  await putScript(
    folder,
    "look",
    '#!/bin/sh\necho "first $1 $4"\necho second\necho third >&2\nexit 3\n',
  );
  const { probe } = createScriptProbe({ run: runCommand, folder, user: "nobody", scope: folder });
  const check: CheckConfig = { type: "external", script: "look", ...times(5000) };
  const [open, closed] = [await listenOn(t), await closedPort()];
  const target = targetFor(check, { vports: singlePorts(open, closed) });
  const trial = await tryCheck(target, probe, contextOf());
  t.diagnostic(JSON.stringify(trial));
  assert.deepEqual(
    [trial.id, trial.type, trial.passed, trial.reason],
    ["VNA/PrimaryCluster", "external", false, "first 192.168.200.100 0 (exit code 3)"],
  );
  assert.equal(trial.trace?.output, "first 192.168.200.100 0\nsecond\nthird\n");
  assert.deepEqual(trial.trace?.argv.slice(-4), [
    "192.168.200.100",
    `${open} ${closed}`,
    "127.0.0.1",
    "0",
  ]);
  assert.equal(trial.trace?.environment.LB_VIP_NAME, "VNA");
  assert.deepEqual(
    trial.ports.map(({ port, accepts, what }) => [port, accepts, what]),
    [
      [open, true, null],
      [closed, false, "refused"],
    ],
  );
});

test("an order names a service or one of its servers; anything else is refused", async () => {
  const asked: (readonly string[])[] = [];
  const engine = {
    own: () => new Map(["VNA/a", "VNA/b", "VNAX/a"].map((id) => [id, undefined as never])),
    tryOut: async (ids: readonly string[]) => {
      asked.push(ids);
      return [];
    },
  };
  const { signal } = new AbortController();
  await runHealthCheck({ service: "VNA" }, engine, signal);
  await runHealthCheck({ service: "VNA", server: "b" }, engine, signal);
  assert.deepEqual(asked, [["VNA/a", "VNA/b"], ["VNA/b"]]);
  const refused = (body: unknown) =>
    assert.rejects(runHealthCheck(body, engine, signal), (error) => error instanceof RefusalError);
  await refused({ service: "VN" });
  await refused({ service: "VNA", server: "c" });
  await refused({ server: "a" });
  await refused(undefined);
});
