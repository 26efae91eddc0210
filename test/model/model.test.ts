// model.test.ts — random moves on a real forwarder: after each, a tiny model and real packets agree.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { notHere } from "../kernel/forwarder-world.js";
import { PLANTED_BUGS } from "./planted-bugs.js";

const skip = notHere() ?? false;
/** The same moves each time; the long run, `npm run model`, has others, and finds a disagreement in some 1,500 moves still. */
const STEPS = 400;
const SEED = 31;
/** Moves within which every planted bug is met many times over. */
const PLANTED_STEPS = 400;
const PLANTED_SEED = 1;

async function game(...words: string[]): Promise<{ readonly code: number; readonly said: string }> {
  const program = fileURLToPath(new URL("main.js", import.meta.url));
  const child = spawn(process.execPath, [program, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 1, said };
}

test(`${STEPS} random moves: after each, model and packets agree who answers`, {
  skip,
}, async () => {
  const { code, said } = await game("--steps", `${STEPS}`, "--seed", `${SEED}`);
  console.log(said.trim());
  assert.equal(code, 0, said);
});

for (const { name, what } of PLANTED_BUGS) {
  test(`the game finds a planted bug: ${what}`, { skip }, async () => {
    const words = ["--steps", `${PLANTED_STEPS}`, "--seed", `${PLANTED_SEED}`, "--planted", name];
    const { code, said } = await game(...words);
    const found = said.split("\n").filter((line) => /DISAGREEMENT|the model says/.test(line));
    console.log(`seen: ${found.slice(0, 2).join(" ")}`);
    assert.equal(code, 1, said);
    assert.match(said, /DISAGREEMENT seed 1, step \d+/);
  });
}
