// main.ts — one probe as a process: `main.js KIND JSON`, JSON lines out, ends when its input ends.
import { createInterface } from "node:readline";
import { goFirst } from "../priority.js";
import { monotonicMs } from "../ticker.js";
import type { ProbeKind, ProbeKinds, ProbeLine } from "./probe-kinds.js";
import type { ProbeLife } from "./probe-life.js";

const say = (line: ProbeLine): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

type Program<K extends ProbeKind> = (
  options: ProbeKinds[K]["options"],
  life: ProbeLife,
) => Promise<ProbeKinds[K]["result"]>;

/** Loads only the probe that is asked for: some need a raw socket, most do not. */
const PROGRAMS: { [K in ProbeKind]: () => Promise<Program<K>> } = {
  "udp-echo": async () => (await import("./udp-echo.js")).probeUdpEcho,
  "new-connections": async () => (await import("./new-connections.js")).probeNewConnections,
  "busy-connections": async () => (await import("./busy-connections.js")).probeBusyConnections,
  "arp-watch": async () => (await import("./arp-watch.js")).watchArp,
  "hl7-order": async () => (await import("./hl7-order.js")).sendHl7Order,
  association: async () => (await import("./association.js")).probeAssociation,
};

/** The lab writes `mark` lines and closes the input to stop; so a dead lab stops its probes too. */
function listen(): ProbeLife {
  let marked = () => {};
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    if (line === "mark") marked();
  });
  return {
    ready: () => say({ event: "ready", atMs: monotonicMs() }),
    onMark(handler) {
      marked = handler;
    },
    stop: new Promise((resolve) => lines.on("close", () => resolve())),
  };
}

async function run<K extends ProbeKind>(kind: K, text: string): Promise<void> {
  const program = await PROGRAMS[kind]();
  const result = await program(JSON.parse(text) as ProbeKinds[K]["options"], listen());
  say({ event: "result", result });
}

async function main(): Promise<void> {
  const [kind = "", text = "{}"] = process.argv.slice(2);
  if (!Object.hasOwn(PROGRAMS, kind)) {
    throw new Error(`probe: want one of ${Object.keys(PROGRAMS).join(", ")}, got ${kind}`);
  }
  goFirst();
  await run(kind as ProbeKind, text);
}

main().then(
  () => process.stdout.write("", () => process.exit(0)),
  (error: unknown) => {
    say({ event: "failed", reason: error instanceof Error ? error.message : String(error) });
    process.stdout.write("", () => process.exit(1));
  },
);
