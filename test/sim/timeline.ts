// timeline.ts — what a failing life looked like, for people: both nodes, the network and the faults in one column of time.
import type { Life } from "./life.js";
import type { Said } from "./world.js";

const LINES = 60;

const line = ({ at, who, text }: Said): string =>
  `${at.toFixed(1).padStart(10)}  ${who.padEnd(10)} ${text}`;

/** The last lines before the end of a traced life, under what the pair was set to. */
export function timeline({ world }: Life, lines = LINES): string {
  const { timing, settings, network, ills, trace } = world;
  const [one] = settings;
  const wires = network.wires.map(({ serves }) => (serves ? "with floating IPs" : "of its own"));
  const head = [
    `keepalive ${timing.keepalive}, warntime ${timing.warntime}, deadtime ${timing.deadtime}, lease ${timing.lease}, loneLease ${one.loneLease} ms`,
    `${network.paths.length} paths; networks: ${wires.join(", ")}; witnesses ${ills[0].witnessAble ? "can" : "cannot"} be asked`,
    `autoFailback ${one.autoFailback}, whenVipAnswers ${one.whenVipAnswers}, whenIsolated ${one.whenIsolated}`,
  ];
  return [...head, ...(trace ?? []).slice(-lines).map(line)].join("\n");
}
