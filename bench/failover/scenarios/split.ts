// split.ts — the two nodes no longer hear each other on any path, everybody else hears both; then they do again.
import {
  echoOutageMs,
  exactlyOneAfterMs,
  newcomerOutageMs,
  newcomersWellAfterMs,
  noClaimantMs,
  openFigures,
  roleChanges,
  twoClaimantsMs,
} from "../reading.js";
import { pause, watch } from "../watch.js";
import { hasVirtualMac, roundsOf, type Scenario } from "./scenario.js";

const SPLIT_MS = 3000;
/** Linux-HA needs half a minute to heal. */
const afterMs = (kind: string): number => (kind === "heartbeat" ? 30_000 : 4000);

export const split: Scenario = {
  name: "split",
  title: "Split of all paths, then healed",
  applies: (product) => !hasVirtualMac(product) && product.name !== "keepalived-1s",
  rounds: (product) => roundsOf(product, 4),
  async run({ pair, book, say }) {
    await pair.settle();
    const splitMs = Math.max(SPLIT_MS, 2 * pair.product.deadtimeMs);
    const seen = await watch(pair.world, { connections: 20 }, async (note) => {
      note("fault");
      await pair.world.cables.partition(["front", "back"]);
      await pause(splitMs);
      note("healing");
      await pair.world.cables.heal();
      note("healed");
      await pause(afterMs(pair.product.kind));
    });
    const { fault = 0, healing = 0, healed = 0 } = seen.moments;
    const apart = { fromMs: fault, toMs: healing };
    const after = { fromMs: healed, toMs: seen.endMs };
    const open = openFigures(seen);
    const note = (figure: string, value: number | undefined, unit: "ms" | "count" = "ms") =>
      book.note("split", pair.product.name, figure, value, unit);
    note("two claimants while split", twoClaimantsMs(seen, apart));
    note("echo outage while split", echoOutageMs(seen, apart));
    note("new TCP outage while split", newcomerOutageMs(seen, apart));
    note("exactly one after", exactlyOneAfterMs(seen, after));
    note("two claimants then", twoClaimantsMs(seen, after));
    note("on no node then", noClaimantMs(seen, after));
    note("role changes then", roleChanges(seen, after), "count");
    note("further echo outage", echoOutageMs(seen, after));
    note("new TCP works after", newcomersWellAfterMs(seen, after));
    note("open connections lost", open.total - open.lived, "count");
    note("of", open.total, "count");
    say(
      `two claimants ${twoClaimantsMs(seen, apart).toFixed(0)} ms; healed: exactly one after ` +
        `${exactlyOneAfterMs(seen, after).toFixed(0)} ms, on no node ${noClaimantMs(seen, after).toFixed(0)} ms, ` +
        `new TCP works after ${newcomersWellAfterMs(seen, after).toFixed(0)} ms, open ${open.lived}/${open.total} ${JSON.stringify(open.reasons)}`,
    );
  },
};
