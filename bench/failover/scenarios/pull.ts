// pull.ts — both cables of the active node are pulled at once; later it comes back.
import { otherNode } from "@lbpair/lab";
import {
  echoOutageMs,
  newcomerOutageMs,
  openFigures,
  roleChanges,
  takenOverAtMs,
} from "../reading.js";
import { pause, watch } from "../watch.js";
import { hasVirtualMac, type Scenario } from "./scenario.js";

/** Their own medians and worst cases are targets, or what targets are compared with. */
const JUDGED = ["lbpair-300", "lbpair-fast", "lbpair-vmac", "keepalived-100", "keepalived-vmac"];

export const pull: Scenario = {
  name: "pull",
  title: "Plug of the active node pulled",
  applies: () => true,
  rounds: ({ kind, name }) => (kind === "heartbeat" ? 2 : JUDGED.includes(name) ? 5 : 3),
  async run({ pair, book, say }) {
    let active = await pair.settle();
    const { kind, deadtimeMs } = pair.product;
    const afterMs = kind === "heartbeat" ? 4000 : Math.max(1500, 1.5 * deadtimeMs + 1000);
    const seen = await watch(pair.world, { connections: 100 }, async (note) => {
      active = await pair.activeNow();
      // The phase of the adverts at the moment of the pull is to be any.
      await pause(Math.random() * 200);
      note("fault");
      await pair.world.cables.pull(active);
      await pause(afterMs);
    });
    await pair.revive(active);
    const stretch = { fromMs: seen.moments.fault ?? 0, toMs: seen.endMs };
    const open = openFigures(seen);
    const { name } = pair.product;
    const outage = echoOutageMs(seen, stretch);
    book.note("pull", name, "echo outage", outage);
    book.note("pull", name, "new TCP outage", newcomerOutageMs(seen, stretch));
    if (!hasVirtualMac(pair.product)) {
      const at = takenOverAtMs(seen, active, stretch.fromMs);
      book.note(
        "pull",
        name,
        "taken over after",
        at === undefined ? undefined : at - stretch.fromMs,
      );
      book.note("pull", name, "role changes", roleChanges(seen, stretch), "count");
    }
    book.note("pull", name, "open: median stall", open.medianStallMs);
    book.note("pull", name, "open: worst stall", open.worstStallMs);
    book.note("pull", name, "open connections lost", open.total - open.lived, "count");
    book.note("pull", name, "of", open.total, "count");
    say(
      `${active} → ${otherNode(active)}: echo ${outage.toFixed(0)} ms, open ${open.lived}/${open.total}, ` +
        `stall ${open.medianStallMs.toFixed(0)} ms (worst ${open.worstStallMs.toFixed(0)}) ${JSON.stringify(open.reasons)}`,
    );
  },
};
