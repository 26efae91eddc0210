// conntrack.test.ts — promises of conntrack.ts, with a command that answers as conntrack 1.4.7 does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis, type Run } from "@lbpair/common";
import { createConnectionTable } from "./conntrack.js";

const HEAD = "conntrack v1.4.7 (conntrack-tools): ";

/** Answers one call after the other with these, then with the last for ever. */
function answering(answers: readonly { readonly code: number; readonly stderr: string }[]) {
  const asked: string[] = [];
  const run: Run = async (argv) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(argv.slice(1).join(" "));
    return {
      argv,
      code: answer?.code ?? null,
      signal: null,
      stdout: "",
      stderr: HEAD + (answer?.stderr ?? ""),
      timedOut: false,
      truncated: false,
      tookMs: millis(1),
    };
  };
  return { run, asked };
}

const vanished = { code: 1, stderr: "Operation failed: such conntrack doesn't exist" };
const none = { code: 1, stderr: "0 flow entries have been deleted." };
const some = { code: 0, stderr: "7 flow entries have been deleted." };

test("a deletion that an ending connection broke off is asked again until it is whole", async () => {
  const { run, asked } = answering([vanished, vanished, some, none]);
  await createConnectionTable(run, 4).deleteServer("10.0.0.1", "10.0.0.9", "tcp");
  console.log("seen:", asked.join("; "));
  assert.equal(asked.length, 4);
});

test("a deletion that never becomes whole fails in the end", async () => {
  const { run, asked } = answering([vanished]);
  await assert.rejects(createConnectionTable(run, 4).deleteVip("10.0.0.9"), /doesn't exist/);
  assert.equal(asked.length, 50);
});

test("deleting one port of a server names it on both sides of the translation", async () => {
  const { run, asked } = answering([none]);
  const ports = { vipPort: 80, serverPort: 8080 };
  await createConnectionTable(run, 4).deleteServer("10.0.0.1", "10.0.0.9", "tcp", ports);
  assert.deepEqual(asked, [
    "-D -f ipv4 -p tcp --reply-src 10.0.0.1 --orig-dst 10.0.0.9 --orig-port-dst 80 --reply-port-src 8080",
    "-D -f ipv4 -p tcp --orig-src 10.0.0.1 --reply-dst 10.0.0.9 --orig-port-src 8080 --reply-port-dst 80",
  ]);
});
