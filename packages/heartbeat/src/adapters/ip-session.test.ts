// ip-session.test.ts — promises of ip-session.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createIpSession } from "./ip-session.js";

/**
 * A stand-in for `ip -batch`: complains about "bad …" and "ack", and says it in small pieces. One line, as
 * every word of a command; not a Node, which would leave its standard input in another mode.
 */
const STAND_IN = [
  "n=0",
  "say() { printf '%s is un' \"$1\" >&2; sleep 0.01; printf 'known\\nCommand failed -:%s\\n' $n >&2; }",
  "list() { i=1; printf '[1'; while [ $i -lt 51 ]; do i=$((i+1)); printf ,$i; done; echo ']'; }",
  "while read -r line; do n=$((n+1)); case $line in " +
    'list*) list;; die*) exit 1;; hang*) exec sleep 1000;; bad*|ack*) say "$line";; esac; done',
].join("; ");
const argv = ["sh", "-c", STAND_IN];

test("what failed is told by its place among the lines asked, question after question", async () => {
  const session = createIpSession({ answerMs: 5000, argv });
  const answers = [];
  for (const lines of [["fine", "bad one"], ["fine"], ["bad two", "fine", "bad three"]]) {
    const answer = await session.perform(lines);
    answers.push(answer === "no-answer" ? answer : [...answer]);
  }
  session.close();
  console.log(JSON.stringify(answers));
  assert.deepEqual(answers, [
    [[2, "bad one is unknown"]],
    [],
    [
      [1, "bad two is unknown"],
      [3, "bad three is unknown"],
    ],
  ]);
});

test("a listing is whole, whichever pipe is read first, and one that fails is no answer", async () => {
  const session = createIpSession({ answerMs: 5000, argv });
  for (let i = 0; i < 3; i += 1) {
    assert.equal(JSON.parse(await session.list("list")).length, 51);
    assert.equal(await session.list("bad list"), "no-answer");
    assert.deepEqual(await session.perform(["fine"]), new Map());
  }
  session.close();
});

test("a child that hangs, dies or cannot start is no answer, and the next question gets a new one", async () => {
  const session = createIpSession({ answerMs: 1500, argv });
  assert.equal(await session.perform(["hang"]), "no-answer");
  assert.equal(await session.perform(["die"]), "no-answer");
  assert.deepEqual(await session.perform(["fine"]), new Map());
  session.renew();
  assert.deepEqual(await session.perform(["fine"]), new Map());
  session.close();
  assert.equal(await session.perform(["fine"]), "no-answer");
  const missing = createIpSession({ answerMs: 1500, argv: ["/nonexistent/ip"] });
  assert.equal(await missing.perform(["fine"]), "no-answer");
  missing.close();
});

test("lines that a killed child left unread are not performed by the next", async () => {
  const session = createIpSession({ answerMs: 500, argv });
  const left = Array.from({ length: 5000 }, (_, i) => `bad line ${i}`);
  assert.equal(await session.perform(["hang", "fine"]), "no-answer");
  assert.equal(await session.perform(["hang", ...left]), "no-answer");
  assert.deepEqual(await session.perform(["bad last"]), new Map([[1, "bad last is unknown"]]));
  session.close();
});
