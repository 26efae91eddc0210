// main.ts — one probe as a process: `main.js KIND JSON`, JSON lines out, ends when its input ends.
import { monotonicMs } from "../ticker.js";
import type { ProbeKind, ProbeKinds, ProbeLine } from "./probe-kinds.js";

const say = (line: ProbeLine): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

type Program = (options: unknown, ready: () => void, stop: Promise<void>) => Promise<unknown>;

/** Loads only the probe that is asked for: some need a raw socket, most do not. */
const PROGRAMS: { [K in ProbeKind]: () => Promise<Program> } = {
  "udp-echo": async () => {
    const { probeUdpEcho } = await import("./udp-echo.js");
    return (options, ready, stop) =>
      probeUdpEcho(options as ProbeKinds["udp-echo"]["options"], ready, stop);
  },
  "new-connections": async () => {
    const { probeNewConnections } = await import("./new-connections.js");
    return (options, ready, stop) =>
      probeNewConnections(options as ProbeKinds["new-connections"]["options"], ready, stop);
  },
  "busy-connections": async () => {
    const { probeBusyConnections } = await import("./busy-connections.js");
    return (options, ready, stop) =>
      probeBusyConnections(options as ProbeKinds["busy-connections"]["options"], ready, stop);
  },
  "arp-watch": async () => {
    const { watchArp } = await import("./arp-watch.js");
    return (options, ready, stop) =>
      watchArp(options as ProbeKinds["arp-watch"]["options"], ready, stop);
  },
  association: async () => {
    const { probeAssociation } = await import("./association.js");
    return (options, ready, stop) =>
      probeAssociation(options as ProbeKinds["association"]["options"], ready, stop);
  },
};

async function main(): Promise<void> {
  const [kind = "", text = "{}"] = process.argv.slice(2);
  if (!Object.hasOwn(PROGRAMS, kind)) {
    throw new Error(`probe: want one of ${Object.keys(PROGRAMS).join(", ")}, got ${kind}`);
  }
  const program = await PROGRAMS[kind as ProbeKind]();
  const stop = new Promise<void>((resolve) => {
    process.stdin.on("end", () => resolve());
    process.stdin.resume();
  });
  const ready = () => say({ event: "ready", atMs: monotonicMs() });
  const result = await program(JSON.parse(text), ready, stop);
  say({ event: "result", result });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say({ event: "failed", reason: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
    process.stdin.destroy();
  },
);
