// priority.ts — the lab's instruments go before the rest of the machine.
import { constants, setPriority } from "node:os";

/** A measuring instrument that waits for a processor measures its own waiting. */
export function goFirst(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch {
    // Not permitted here; the floor then shows what that costs.
  }
}
