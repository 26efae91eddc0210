// nft-session.test.ts — promises of nft-session.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createNftSession } from "./nft-session.js";

/** A stand-in for `nft -i`: complains about "bad …" and "ack …" lines, and says it in small pieces. */
const STAND_IN = `
let kept = "";
const say = async (text) => { for (const c of text.match(/.{1,29}/gs)) { process.stderr.write(c); await new Promise((r) => setImmediate(r)); } };
let last = Promise.resolve();
process.stdin.on("data", (chunk) => {
  const lines = (kept + chunk).split("\\n");
  kept = lines.pop();
  for (const line of lines) {
    if (line === "quit") process.exit(0);
    if (line.startsWith("die")) process.exit(1);
    if (line.startsWith("hang")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    if (/^(bad|ack)/.test(line)) last = last.then(() => say("Error: syntax error, unexpected number\\n" + line + "\\n (" + process.pid + " of " + process.ppid + ") ^\\n"));
  }
});`;
const argv = [process.execPath, "-e", STAND_IN];

test("each line is answered, in order, however the pipe cuts nft's words", async () => {
  const session = createNftSession({ answerMs: 5000, argv });
  const answers = await Promise.all(
    ["fine", "bad line about ack 3", "fine", "bad"].map((line) => session.ask(line)),
  );
  session.close();
  console.log(JSON.stringify(answers));
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ["applied", "refused", "applied", "refused"],
  );
  assert.match(JSON.stringify(answers[1]), /bad line about ack 3/);
});

test("a child that hangs is killed, and everything asked of it is unanswered", async () => {
  const session = createNftSession({ answerMs: 1500, argv });
  await session.ask("fine");
  const answers = await Promise.all(["hang", "fine"].map((line) => session.ask(line)));
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ["no-answer", "no-answer"],
  );
  assert.equal(session.restarts, 0, "a new one is started when something is asked");
  session.close();
});

test("a child that dies, or cannot start, is no answer and not an exception", async () => {
  const session = createNftSession({ answerMs: 5000, argv });
  assert.equal((await session.ask("die")).kind, "no-answer");
  assert.equal((await session.ask("fine")).kind, "applied");
  assert.equal(session.restarts, 1);
  session.close();
  assert.equal((await session.ask("fine")).kind, "no-answer", "closed");
  const missing = createNftSession({ answerMs: 5000, argv: ["/nonexistent/nft"] });
  assert.equal((await missing.ask("fine")).kind, "no-answer");
});

test("an nft that was asked often is replaced between two questions by a shell, and nobody notices", async () => {
  const session = createNftSession({ answerMs: 5000, argv });
  const pids = new Set<string>();
  const parents = new Set<string>();
  for (let i = 0; i < 1010; i += 1) {
    const answer = await session.ask(i % 100 === 0 ? "bad pid" : "fine");
    assert.equal(answer.kind, i % 100 === 0 ? "refused" : "applied", `question ${i}`);
    const [, pid, parent] = /\((\d+) of (\d+)\)/.exec(`${"said" in answer && answer.said}`) ?? [];
    if (pid !== undefined) pids.add(pid);
    if (parent !== undefined) parents.add(parent);
  }
  session.close();
  console.log(`nft: ${[...pids].join(", ")}; started by ${[...parents].join(", ")}`);
  assert.equal(pids.size, 3);
  assert.equal(parents.size, 2);
  assert.ok(!parents.has(`${process.pid}`), "this process forks none of them");
  assert.equal(session.restarts, 0, "planned ones do not count as lost");
});
