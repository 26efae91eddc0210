// fallback-relations.ts — relations between the fields of a service's fallback that no single field shows.
import { checkCheck } from "./check-relations.js";
import type { Loose } from "./loose-parse.js";
import type { Problem } from "./problems.js";
import type { ServicesConfig } from "./services-schema.js";

type Found = Omit<Problem, "file" | "line">;
type LooseService = Loose<ServicesConfig["virtualServices"][number]>;

/** What of a service's fallback contradicts the rest of it. */
export function checkFallbacks(service: LooseService, path: string): Found[] {
  const { fallback, fallbacks, fallbackPage, recovery, protocol } = service;
  const found: Found[] = [];
  const contradicts = (field: string, want: string, got: string) =>
    found.push({ code: "contradiction", path: `${path}.${field}`, want, got });
  if (fallback !== undefined && fallbacks !== undefined) {
    contradicts("fallbacks", "fallback or fallbacks, not both", "both");
  }
  const none = fallback === undefined && (fallbacks ?? []).length === 0;
  if (fallbackPage === true && protocol !== undefined && protocol !== "tcp") {
    contradicts("fallbackPage", "protocol: tcp, over which a page can be had", protocol);
  }
  if (recovery === "manual" && none && fallbackPage !== true) {
    contradicts("recovery", "a fallback server or page that the service is held on", "none");
  }
  for (const [server, place] of [
    [fallback, "fallback"] as const,
    ...(fallbacks ?? []).map((each, i) => [each, `fallbacks[${i}]`] as const),
  ]) {
    if (server?.check === undefined) continue;
    found.push(...checkCheck({ ...service, check: server.check }, `${path}.${place}`));
  }
  return found;
}
