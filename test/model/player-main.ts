// player-main.ts — plays the model test; runs in the network namespace of the forwarder's node.
//
// node player-main.js OWNER SEED STEPS [BUG]     OWNER: whose namespaces these are
import { runCommand } from "@lbpair/common";
import { PLANTED_BUGS } from "./planted-bugs.js";
import { play } from "./play.js";
import { replayCommand, summary } from "./report.js";
import { startTalkers } from "./talkers.js";

const SHOWN_EVERY_MS = 10_000;

const [owner = 0, seed = 0, steps = 0] = process.argv.slice(2, 5).map(Number);
const bug = PLANTED_BUGS.find(({ name }) => name === process.argv[5]);
const began = performance.now();
let shownAt = began;

const talkers = await startTalkers(owner);
try {
  const outcome = await play({
    ...{ seed, steps, talkers, run: bug?.run ?? runCommand },
    onProgress(done) {
      const now = performance.now();
      if (now - shownAt < SHOWN_EVERY_MS) return;
      shownAt = now;
      const perStep = (now - began) / done;
      console.log(`${done} of ${steps} steps, ${perStep.toFixed(1)} ms each`);
    },
  });
  console.log(summary(outcome, performance.now() - began));
  if (outcome.trouble !== null) {
    console.log(
      `DISAGREEMENT ${outcome.trouble}\nreplays with: ${replayCommand(seed, steps, bug?.name)}`,
    );
    process.exitCode = 1;
  }
} finally {
  talkers.stop();
}
process.exit();
