// steady-word.test.ts — promises of steady-word.ts.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { createControlServer } from "./control-server.js";
import { createSteadyWord, type SteadyWord } from "./steady-word.js";

const folder = await mkdtemp(join(tmpdir(), "lbpair-word-"));
after(() => rm(folder, { recursive: true }));
let number = 0;
const newSocket = () => join(folder, `${++number}.sock`);

const listener = async (path: string, answer: () => unknown) => {
  const heard: unknown[] = [];
  const server = await createControlServer({
    path,
    routes: {
      "POST /word": ({ body }) => {
        heard.push(body);
        return answer();
      },
    },
  });
  return { heard, close: () => server.close() };
};

const wordFor = (socket: string) =>
  createSteadyWord({ socket, route: "POST /word", timeoutMs: 500 });

/** As often as the daemons do, but faster. */
async function sayFor(ms: number, word: SteadyWord, body: unknown): Promise<void> {
  for (let i = 0; i < ms / 10; i += 1) {
    word.say(body);
    await wait(10);
  }
}

test("what was taken is said once, a change at once, also one that comes while the last is on its way", async () => {
  const path = newSocket();
  const { heard, close } = await listener(path, () => ({ taken: true }));
  const word = wordFor(path);
  await sayFor(200, word, { is: "passive" });
  word.say({ is: "active" });
  word.say({ is: "gone" });
  word.say({ is: "passive" });
  await sayFor(200, word, { is: "passive" });
  await close();
  console.log(JSON.stringify(heard));
  assert.deepEqual(heard, [{ is: "passive" }, { is: "active" }, { is: "passive" }]);
});

test("one that has only begun, or is of an older release, is told again by each saying", async () => {
  for (const answer of [{ taken: false }, {}, null]) {
    const path = newSocket();
    const { heard, close } = await listener(path, () => answer);
    await sayFor(200, wordFor(path), "is");
    await close();
    console.log(`${heard.length} times after ${JSON.stringify(answer)}`);
    assert.ok(heard.length > 5);
  }
});

test("a daemon that was started anew is told, and so is one that was away", async () => {
  const path = newSocket();
  const word = wordFor(path);
  await sayFor(50, word, "is");
  for (let run = 0; run < 3; run += 1) {
    const { heard, close } = await listener(path, () => ({ taken: true }));
    await sayFor(300, word, "is");
    await close();
    console.log(`run ${run}: ${heard.length} times`);
    assert.deepEqual(heard, ["is"]);
  }
});
