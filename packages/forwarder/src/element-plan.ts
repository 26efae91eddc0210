// element-plan.ts — what a candidate would change in the kernel, as nftables writes it.
import type { ElementPlanAnswer, Verdicts } from "@lbpair/common";
import { CONFIGURED, type ElementChanges, elementText } from "./elements.js";
import type { CheckTarget } from "./health/types.js";

/** Lines of an answer; more are counted by set. */
export const ELEMENTS_PLANNED_MAX = 1000;

type Health = Pick<Verdicts, "unhealthy" | "unknown">;

/** Verdicts as they would be at the moment of a change: of a server that is new nobody knows anything. */
export function healthOfNew(
  { unhealthy, unknown }: Health,
  known: ReadonlyMap<string, unknown>,
  targets: readonly CheckTarget[],
): Health {
  const fresh = targets.filter(({ id }) => !known.has(id));
  if (fresh.length === 0) return { unhealthy, unknown };
  const of = (types: (type: CheckTarget["check"]["type"]) => boolean) =>
    fresh.filter(({ check }) => types(check.type)).map(({ id }) => id);
  return {
    unhealthy: [...unhealthy, ...of((type) => type === "off")],
    unknown: [...unknown, ...of((type) => type !== "on" && type !== "off")],
  };
}

export function describeElements({ removed, added, count }: ElementChanges): ElementPlanAnswer {
  const lines: string[] = [];
  const sets = CONFIGURED.flatMap((set) => {
    for (const [sign, elements] of [
      ["-", removed[set]],
      ["+", added[set]],
    ] as const) {
      for (const [key, value] of elements) {
        if (lines.length === ELEMENTS_PLANNED_MAX) break;
        lines.push(`${sign} ${set} { ${elementText(set, key, value)} }`);
      }
    }
    const sizes = { set, removed: removed[set].size, added: added[set].size };
    return sizes.removed + sizes.added === 0 ? [] : sizes;
  });
  return { elements: count, sets, lines };
}
