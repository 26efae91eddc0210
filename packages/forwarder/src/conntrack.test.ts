// conntrack.test.ts — promises of conntrack.ts, with a command that answers as conntrack 1.4.7 does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { millis, type Run } from "@lbpair/common";
import { createConnectionTable } from "./conntrack.js";

const HEAD = "conntrack v1.4.7 (conntrack-tools): ";

/** Answers one call after the other with these, then with the last for ever. */
function answering(
  answers: readonly { readonly code: number; readonly stderr: string; readonly stdout?: string }[],
) {
  const asked: string[] = [];
  const run: Run = async (argv) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(argv.slice(1).join(" "));
    return {
      argv,
      code: answer?.code ?? null,
      signal: null,
      stdout: answer?.stdout ?? "",
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

test("untranslated entries of thousands of addresses cost one listing and the deletions due", async () => {
  const stdout = [
    "tcp      6 99 ESTABLISHED src=10.0.0.5 dst=10.9.0.7 sport=1 dport=80 src=10.9.0.7 dst=10.0.0.5 sport=80 dport=1 [ASSURED] mark=0 use=1",
    "udp      17 29 src=10.1.0.8 dst=10.0.0.5 sport=53 dport=2 [UNREPLIED] src=10.0.0.5 dst=10.1.0.8 sport=2 dport=53 mark=0 use=1",
    "tcp      6 99 ESTABLISHED src=10.0.0.5 dst=10.9.0.9 sport=3 dport=80 src=10.1.0.9 dst=10.0.0.5 sport=80 dport=3 [ASSURED] mark=0 use=1",
    "tcp      6 99 ESTABLISHED src=10.1.0.9 dst=10.0.0.5 sport=80 dport=4 src=10.0.0.5 dst=10.9.0.9 sport=4 dport=80 [ASSURED] mark=0 use=1",
    "",
  ].join("\n");
  const { run, asked } = answering([{ code: 0, stderr: "", stdout }, some]);
  const addresses = (net: string) => Array.from({ length: 250 }, (_, index) => `${net}.${index}`);
  await createConnectionTable(run, 4).deleteUntranslated(addresses("10.9.0"), addresses("10.1.0"));
  console.log("seen:", asked.join("; "));
  assert.deepEqual(asked, [
    "-L -f ipv4",
    "-D -f ipv4 --orig-dst 10.9.0.7 --reply-src 10.9.0.7",
    "-D -f ipv4 --orig-src 10.1.0.8 --reply-dst 10.1.0.8",
  ]);
});
