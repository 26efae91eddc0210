// nft-session.test.ts — promises of nft-session.ts.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createNftSession, type NftSession } from "./nft-session.js";

/**
 * A stand-in for `nft -i`: complains about "bad …" and "ack …" lines, in pieces where it is told to rest
 * between them, and notes what else it is told. One line, as every word of a command; not a Node, which
 * would leave its standard input in another mode.
 */
const standIn = (rest = ":", notes = "/dev/null") => [
  "sh",
  "-c",
  [
    `say() { printf 'Error: syntax err' >&2; ${rest}; printf 'or, unexpected number\\n%s' "$1" >&2; ${rest};`,
    "printf '\\n (%s of %s) ^\\n' $$ $PPID >&2; }",
  ].join(" ") +
    "; while read -r line; do case $line in die*) exit 1;; hang*) kill -STOP $$;; " +
    `bad*|ack*) say "$line";; *) echo "$line" >>${notes};; esac; done`,
];
const argv = standIn();

test("each line is answered, in order, however the pipe cuts nft's words", async () => {
  const session = createNftSession({ answerMs: 5000, argv: standIn("sleep 0.01") });
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
  assert.equal(session.restarts, 0);
  assert.equal((await session.ask("fine")).kind, "applied", "another one is there");
  assert.equal(session.restarts, 1);
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
  missing.close();
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

/** The pids of nft and its shell, from what they said. */
async function whoAnswers(session: NftSession): Promise<{ pid: number; parent: number }> {
  const answer = await session.ask("bad pid");
  const [, pid, parent] = /\((\d+) of (\d+)\)/.exec("said" in answer ? answer.said : "") ?? [];
  return { pid: Number(pid), parent: Number(parent) };
}

test("one that hangs is replaced by a shell that was there before, time and again, and what it left unread is not done", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lbpair-nft-"));
  const notes = join(folder, "notes");
  const session = createNftSession({ answerMs: 300, argv: standIn(":", notes) });
  await session.ask("fine");
  session.prepare();
  const shells = new Set<number>();
  const asked = new Set<number>();
  for (let i = 0; i < 6; i += 1) {
    const { pid, parent } = await whoAnswers(session);
    asked.add(pid);
    shells.add(parent);
    const given = ["hang", `late ${i}`, `later ${i}`].map((line) => session.ask(line));
    const kinds = (await Promise.all(given)).map(({ kind }) => kind);
    assert.deepEqual([...new Set(kinds)], ["no-answer"]);
  }
  await session.ask("last");
  session.close();
  const done = readFileSync(notes, "utf8");
  rmSync(folder, { recursive: true });
  console.log(`${asked.size} of them by ${[...shells].join(" and ")}; done: ${done.split("\n")}`);
  assert.equal(asked.size, 6);
  assert.equal(shells.size, 2, "the same two shells");
  assert.equal(session.restarts, 6);
  assert.equal(done, "fine\nlast\n");
});

test("one that was killed and has not ended is counted until it has", async () => {
  const session = createNftSession({ answerMs: 300, argv });
  await session.ask("fine");
  assert.equal((await session.ask("hang")).kind, "no-answer");
  assert.equal(session.unsettled, 1, "nobody has seen its end yet");
  assert.equal((await session.ask("fine")).kind, "applied");
  for (let i = 0; i < 100 && session.unsettled > 0; i += 1) await pause(20);
  assert.equal(session.unsettled, 0);
  session.close();
});
