// completion.test.ts — what the shells are offered, and the bash script in a real bash.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { runCommand } from "@lbpair/common";
import { createTestAppliance, MAIN, type TestAppliance } from "./test-appliance.js";
import { sampleForwarder } from "./view/sample-statuses.js";

let appliance: TestAppliance;
beforeEach(async () => {
  appliance = await createTestAppliance();
  await appliance.serve("forwarder", { "GET /status": () => sampleForwarder() });
});
afterEach(() => appliance.close());

const offered = async (...words: string[]): Promise<string[]> => {
  const { stdout } = await appliance.lbpair("complete", "--", ...words);
  return stdout.split("\n").filter((word) => word !== "");
};

test("verbs, options, choices and server names are offered, hidden verbs are not", async () => {
  const cases: readonly [readonly string[], readonly string[]][] = [
    [["make"], ["make-active"]],
    [["s"], ["status", "sync"]],
    [["f"], []],
    [
      ["restart", ""],
      ["heartbeat", "forwarder", "replicator"],
    ],
    [["status", "--w"], ["--watch"]],
    [["halt", ""], ["VNA/PrimaryCluster"]],
    [["halt", "VNA/PrimaryCluster", ""], []],
    [["--run", "/tmp", "drain", "V"], ["VNA/PrimaryCluster"]],
    [["check", ""], [":files"]],
  ];
  for (const [words, want] of cases) {
    assert.deepEqual(await offered(...words), want, words.join(" "));
  }
});

test("the bash script completes in a real bash", async () => {
  const script = [
    `lbpair() { "${process.execPath}" "${MAIN}" --run "${appliance.folder}/run" "$@"; }`,
    "source <(lbpair completion bash)",
    "COMP_WORDS=(lbpair halt V); COMP_CWORD=2; _lbpair",
    `printf "%s\\n" "\${COMPREPLY[@]}"`,
  ].join("\n");
  const { stdout, stderr, code } = await runCommand(["bash", "--norc", "-euc", script]);
  assert.equal(stderr, "");
  assert.equal(stdout, "VNA/PrimaryCluster\n");
  assert.equal(code, 0);
});
