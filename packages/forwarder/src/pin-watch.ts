// pin-watch.ts — wiring: looks at pins every second while there may be any, and takes the peer's orders.
import { type Log, RefusalError } from "@lbpair/common";
import type { Works } from "./works.js";

const EVERY_MS = 1000;

export interface PinWatch {
  stop(): void;
}

/** Connections that no change of the maps concerns need no look; then nothing runs here. */
export function watchPins(works: () => Works | null, log: Log): PinWatch {
  let looking = false;
  const look = async ({ plane, pins, convergence }: Works): Promise<void> => {
    const now = plane.wish?.distributions ?? [];
    await pins.dropReused(now);
    if (pins.isDue(now)) await convergence.steer(await plane.connections.pin());
  };
  const timer = setInterval(() => {
    const made = works();
    // Where a command hangs, looks would pile up behind it.
    if (looking || made === null) return;
    looking = true;
    look(made)
      .catch((error: unknown) => log.warn({ error: String(error) }, "pins cannot be looked at"))
      .finally(() => {
        looking = false;
      });
  }, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}

/** What the active node's forwarder says; in the kernel when this resolves. */
export async function adoptPins(
  works: Works | null,
  order: Parameters<Works["pins"]["adopt"]>[0],
): Promise<{ readonly pins: number }> {
  if (works === null) throw new RefusalError(409, "no configuration is in force here");
  try {
    await works.pins.adopt(order, works.plane.wish?.distributions ?? []);
  } catch (error) {
    throw new RefusalError(409, error instanceof Error ? error.message : String(error));
  }
  return { pins: order.pins.length };
}
