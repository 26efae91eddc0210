// element-plan-order.ts — what the saved configuration would change in the kernel, as the command line asks it.
import { type ElementPlanAnswer, RefusalError, type RunningLoader } from "@lbpair/common";
import type { Convergence } from "./convergence.js";
import { describeElements } from "./element-plan.js";

export async function planElements(
  loader: RunningLoader,
  convergence: Convergence | undefined,
): Promise<ElementPlanAnswer> {
  if (convergence === undefined) throw new RefusalError(409, "no configuration is in force here");
  const candidate = await loader.candidate();
  if (!candidate.ok) {
    throw new RefusalError(422, "the saved services.yaml cannot be used", candidate.problems);
  }
  return describeElements(await convergence.preview(candidate.value));
}
