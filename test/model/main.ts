// main.ts — npm run model: plays the model test for as many steps as wanted, from a seed that it prints.
//
// npm run model -- [--steps 2000] [--seed N] [--planted BUG]     exit code 1 where model and packets disagree
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createNetwork, inHost, removeNetwork } from "./network.js";
import { PLANTED_BUGS } from "./planted-bugs.js";

const SEED_LIMIT = 1_000_000;

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "2000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * SEED_LIMIT)) },
    planted: { type: "string" },
  },
});

function whole(name: string, text: string): string {
  if (/^\d{1,9}$/.test(text)) return text;
  process.stderr.write(`--${name}: want a whole number, got ${JSON.stringify(text)}\n`);
  process.exit(2);
}

const seed = whole("seed", values.seed);
const steps = whole("steps", values.steps);
const bugs = PLANTED_BUGS.map(({ name }) => name);
if (values.planted !== undefined && !bugs.includes(values.planted)) {
  process.stderr.write(`--planted: want one of ${bugs.join(", ")}, got ${values.planted}\n`);
  process.exit(2);
}

async function playInside(): Promise<number> {
  const program = fileURLToPath(new URL("player-main.js", import.meta.url));
  const words = [program, `${process.pid}`, seed, steps, ...(values.planted ?? "").split(" ")];
  const [command = "", ...argv] = inHost(process.pid, "node", [process.execPath, ...words]);
  const player = spawn(command, argv, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => player.kill(signal));
  const [code] = (await once(player, "exit")) as [number | null];
  return code ?? 1;
}

console.log(`seed ${seed}, ${steps} steps`);
try {
  await createNetwork(process.pid);
  process.exitCode = await playInside();
} finally {
  await removeNetwork(process.pid);
}
