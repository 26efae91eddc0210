// ip-session.test.ts — promises of ip-session.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createIpSession } from "./ip-session.js";

/** A stand-in for `ip -batch`: complains about "bad …" and "ack", and says it in small pieces. */
const STAND_IN = `
let kept = "", n = 0;
const say = async (text, to = process.stderr) => { for (const c of text.match(/.{1,7}/gs)) { to.write(c); await new Promise((r) => setTimeout(r, 1)); } };
let last = Promise.resolve();
process.stdin.on("data", (chunk) => {
  const lines = (kept + chunk).split("\\n");
  kept = lines.pop();
  for (const line of lines) {
    const at = ++n;
    if (line.startsWith("list")) say("[" + "1,".repeat(50) + "1]\\n", process.stdout);
    if (line.startsWith("die")) process.exit(1);
    if (line.startsWith("hang")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    if (/^(bad|ack)/.test(line)) last = last.then(() => say(line + " is unknown\\nCommand failed -:" + at + "\\n"));
  }
});`;
const argv = [process.execPath, "-e", STAND_IN];

test("what failed is told by its place among the lines asked, question after question", async () => {
  const session = createIpSession({ answerMs: 5000, argv });
  const answers = [];
  for (const lines of [["fine", "bad one"], ["fine"], ["bad two", "fine", "bad three"]]) {
    const answer = await session.perform(lines);
    answers.push(answer === "no-answer" ? answer : [...answer]);
  }
  session.renew();
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
  session.renew();
});

test("a child that hangs, dies or cannot start is no answer, and the next question gets a new one", async () => {
  const session = createIpSession({ answerMs: 1500, argv });
  assert.equal(await session.perform(["hang"]), "no-answer");
  assert.equal(await session.perform(["die"]), "no-answer");
  assert.deepEqual(await session.perform(["fine"]), new Map());
  session.renew();
  assert.deepEqual(await session.perform(["fine"]), new Map());
  session.renew();
  const missing = createIpSession({ answerMs: 1500, argv: ["/nonexistent/ip"] });
  assert.equal(await missing.perform(["fine"]), "no-answer");
});
