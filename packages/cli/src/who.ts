// who.ts — who gives an order: who logged in, also behind sudo.
import type { Context } from "./context.js";

export function orderedBy(context: Context, by: string | undefined): string {
  const { SUDO_USER, USER, LOGNAME } = context.world.env;
  return by ?? [SUDO_USER, USER, LOGNAME].find((name) => (name ?? "") !== "") ?? "unknown";
}
