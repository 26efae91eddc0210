// standstill.ts — the daemon of one node frozen and thawed, or killed and started again: the active's, and the passive's.
import { type ApplianceName, otherNode } from "@lbpair/lab";
import type { Book } from "../measures.js";
import type { RunningPair } from "../products/product.js";
import {
  echoOutageMs,
  exactlyOneAfterMs,
  newcomerOutageMs,
  noClaimantMs,
  openFigures,
  takenOverAtMs,
  twoClaimantsMs,
} from "../reading.js";
import { pause, type Seen, watch } from "../watch.js";
import { hasVirtualMac, isFocus, type Round, roundsOf, type Scenario } from "./scenario.js";

/** After the second act: long enough for keepalived to work through what it missed. */
const AFTER_MS = 3000;
/** Longer than a frozen keepalived at 100 ms needs to queue what livelocks it (peers that act on a backlog). */
const AWAY_MS_MIN = 3000;

export interface Harm {
  readonly name: string;
  readonly title: string;
  readonly victim: "active" | "passive";
  /** What happens to the daemon. */
  harm(pair: RunningPair, name: ApplianceName): Promise<void>;
  /** What ends it. */
  undo(pair: RunningPair, name: ApplianceName): Promise<void>;
}

function noteFigures(book: Book, pair: RunningPair, what: Harm, victim: ApplianceName, seen: Seen) {
  const { name, deadtimeMs } = pair.product;
  const { fault = 0, undone = 0 } = seen.moments;
  const away = { fromMs: fault, toMs: undone };
  const after = { fromMs: undone, toMs: seen.endMs };
  const note = (figure: string, value: number | undefined, unit: "ms" | "count" = "ms") =>
    book.note(what.name, name, figure, value, unit);
  note("echo outage", echoOutageMs(seen, away));
  note("new TCP outage", newcomerOutageMs(seen, away));
  if (what.victim === "active") {
    const at = takenOverAtMs(seen, victim, fault);
    note("taken over after", at === undefined || at > undone ? undefined : at - fault);
  }
  // What is past deadtime: within it nobody but the old one has been told anything.
  note(
    "two claimants after deadtime",
    twoClaimantsMs(seen, { fromMs: fault + deadtimeMs, toMs: undone }),
  );
  note("further echo outage", echoOutageMs(seen, after));
  note("further new TCP outage", newcomerOutageMs(seen, after));
  note("exactly one after", exactlyOneAfterMs(seen, after));
  note("two claimants then", twoClaimantsMs(seen, after));
  note("on no node then", noClaimantMs(seen, after));
  const open = openFigures(seen);
  note("open connections lost", open.total - open.lived, "count");
  note("of", open.total, "count");
}

export function standstill(what: Harm): Scenario {
  return {
    name: what.name,
    title: what.title,
    applies: (product) =>
      !hasVirtualMac(product) &&
      product.name !== "keepalived-1s" &&
      (what.victim === "active" || isFocus(product) || product.name === "lbpair-fast"),
    rounds: (product) => roundsOf(product, what.victim === "active" ? 4 : 2),
    async run({ pair, book, say }: Round) {
      let victim = await pair.settle();
      const awayMs = Math.max(AWAY_MS_MIN, 2 * pair.product.deadtimeMs);
      const seen = await watch(pair.world, { connections: 20 }, async (note) => {
        const active = await pair.activeNow();
        victim = what.victim === "active" ? active : otherNode(active);
        note("fault");
        await what.harm(pair, victim);
        await pause(awayMs);
        note("undone");
        await what.undo(pair, victim);
        await pause(AFTER_MS);
      });
      noteFigures(book, pair, what, victim, seen);
      const { fault = 0, undone = 0 } = seen.moments;
      const away = { fromMs: fault, toMs: undone };
      const after = { fromMs: undone, toMs: seen.endMs };
      say(
        `${what.victim} ${victim}: echo ${echoOutageMs(seen, away).toFixed(0)} ms, two claimants ` +
          `${twoClaimantsMs(seen, away).toFixed(0)} ms; then echo ${echoOutageMs(seen, after).toFixed(0)} ms, ` +
          `two ${twoClaimantsMs(seen, after).toFixed(0)} ms, exactly one after ${exactlyOneAfterMs(seen, after).toFixed(0)} ms`,
      );
    },
  };
}

const freeze = {
  harm: async (pair: RunningPair, name: ApplianceName) => pair.freeze(name),
  undo: async (pair: RunningPair, name: ApplianceName) => pair.thaw(name),
};
const kill = {
  harm: (pair: RunningPair, name: ApplianceName) => pair.kill(name),
  undo: (pair: RunningPair, name: ApplianceName) => pair.restart(name),
};

export const standstills: readonly Scenario[] = [
  {
    name: "frozen",
    title: "Daemon of the active frozen, then thawed",
    victim: "active",
    ...freeze,
  },
  {
    name: "frozen-passive",
    title: "Daemon of the passive frozen, then thawed",
    victim: "passive",
    ...freeze,
  },
  {
    name: "killed",
    title: "Daemon of the active killed, then started again",
    victim: "active",
    ...kill,
  },
  {
    name: "killed-passive",
    title: "Daemon of the passive killed, then started again",
    victim: "passive",
    ...kill,
  },
].map((harm) => standstill(harm as Harm));
