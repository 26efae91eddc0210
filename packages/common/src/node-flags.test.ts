// node-flags.test.ts — promises of node-flags.ts.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { nodeFlags } from "./node-flags.js";

const flags = nodeFlags("heartbeat");
const deployed = (path: string): string =>
  readFileSync(new URL(`../../../deploy/${path}`, import.meta.url), "utf8");

test("unit and container start the heartbeat with the flags that it was measured with", () => {
  const started = `node ${flags.join(" ")} `;
  assert.ok(deployed("systemd/lbpair-heartbeat.service").includes(`ExecStart=/usr/bin/${started}`));
  assert.ok(deployed("container/roles/appliance").includes(started));
});

test("this Node knows the flags, and says nothing about them", () => {
  const said = execFileSync(process.execPath, [...flags, "-p", "1"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  assert.equal(said, "1\n");
});
