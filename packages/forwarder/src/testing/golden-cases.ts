// golden-cases.ts — golden cases: a configuration, modes and verdicts, and the kernel's listing of them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Parsed, parseModes, parseServices } from "@lbpair/common";
import { isFull } from "../connection-limits.js";
import { distribute } from "../distribution.js";
import type { Elements } from "../elements.js";
import { healthFrom } from "../pool.js";
import { planServices } from "../server-plan.js";
import { wantedElements } from "../wanted-elements.js";

/** One folder per case; its name lists the features it holds. */
export const GOLDEN = new URL("../../golden", import.meta.url).pathname;

export interface GoldenCase {
  readonly folder: string;
  readonly services: string;
  readonly modes: string;
  readonly health: string;
  /** Empty where the case was never recorded. */
  readonly expected: string;
}

const text = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

export function readCase(name: string): GoldenCase {
  const folder = join(GOLDEN, name);
  return {
    folder,
    services: text(join(folder, "services.yaml")),
    modes: text(join(folder, "modes.yaml")),
    health: text(join(folder, "health.json")),
    expected: text(join(folder, "expected.nft")),
  };
}

function must<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new Error(parsed.problems.map((each) => `${each.path}: want ${each.want}`).join("\n"));
}

/** What the core wants in the kernel for a case, on a node with two arms. */
export function wantedOf(golden: GoldenCase): Elements {
  const services = must(parseServices(golden.services, "services.yaml"));
  const modes = must(parseModes(golden.modes, "modes.yaml"));
  const health = JSON.parse(golden.health) as {
    readonly unhealthy: string[];
    readonly unknown: string[];
    /** Servers at their maximum of connections. */
    readonly full?: string[];
  };
  const full = new Set(health.full);
  const all = [...services.virtualServices, ...services.floatingIps];
  return wantedElements({
    family: 4,
    distributions: distribute(planServices(services, modes), healthFrom(health), {
      fullOf: (server) => isFull(server, full),
    }),
    floatingIps: [...new Set(all.map((each) => each.address))],
    arms: ["eth0", "eth1"],
    passages: {
      outbound: services.outbound,
      routed: services.routed,
      networks: ["192.168.100.0/24", "192.168.200.0/24"],
    },
  });
}

const ELEMENTS = /elements = \{([^}]*)\}/g;

/**
 * nft's listing with the elements of each set sorted, one to a line: the kernel keeps them in the
 * order of a hash with a random seed.
 */
export const sortElements = (listing: string): string =>
  listing.replace(ELEMENTS, (_, inner: string) => {
    const items = inner.split(",").map((item) => item.trim().replace(/\s+/g, " "));
    const lines = items.map((item) => item.replace(/ counter(?= :|$)/, "")).sort();
    return `elements = {\n\t\t\t${lines.join(",\n\t\t\t")} }`;
  });

/** Elements by set of a sorted listing. */
export function listedElements(listing: string): Map<string, string[]> {
  const sets = new Map<string, string[]>();
  for (const block of listing.matchAll(/(?:set|map) (\w+) \{([\s\S]*?)\n\t\}/g)) {
    const inner = /elements = \{([^}]*)\}/.exec(block[2] ?? "")?.[1];
    if (inner !== undefined) {
      sets.set(
        block[1] ?? "",
        inner
          .split(",")
          .map((item) => item.trim())
          .sort(),
      );
    }
  }
  return sets;
}
