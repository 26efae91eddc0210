// appliance-check.ts — relations between the fields of appliance.yaml that no single field shows.
import { familyOf } from "./address.js";
import type { ApplianceConfig } from "./appliance-schema.js";
import type { Loose } from "./loose-parse.js";
import type { Problem } from "./problems.js";

type Found = Omit<Problem, "file" | "line">;
type LoosePaths = NonNullable<NonNullable<Loose<ApplianceConfig>["peer"]>["paths"]>;

function checkPaths(paths: LoosePaths): Found[] {
  const found: Found[] = [];
  const seen = new Map<string, string>();
  for (const [i, entry] of paths.entries()) {
    for (const end of ["local", "peer"] as const) {
      const address = entry?.[end];
      const path = `peer.paths[${i}].${end}`;
      if (address === undefined) continue;
      const before = seen.get(address);
      if (before !== undefined) {
        const want = "an address that no other end of a path has";
        found.push({ code: "duplicate", path, want, got: `${address}, which ${before} has` });
      } else seen.set(address, path);
    }
    if (entry?.local === undefined || entry.peer === undefined) continue;
    const [localLink, peerLink] = [entry.local, entry.peer].map((one) => one.split("%")[1]);
    if (localLink !== peerLink) {
      const want = `an address on the same link as ${entry.local}: both link-local there, or neither`;
      found.push({
        code: "contradiction",
        path: `peer.paths[${i}].peer`,
        want,
        got: entry.peer,
      });
    }
    if (familyOf(entry.local) !== familyOf(entry.peer)) {
      const want = `an address of the same family as ${entry.local}`;
      found.push({
        code: "contradiction",
        path: `peer.paths[${i}].peer`,
        want,
        got: entry.peer,
      });
    }
  }
  return found;
}

/** Every relation that does not hold; parts of the file that are wrong by themselves are passed over. */
export function checkAppliance(config: Loose<ApplianceConfig>): Found[] {
  const found = checkPaths(config.peer?.paths ?? []);
  const name = config.node?.name;
  if (name !== undefined && config.peer?.name === name) {
    const want = "a name other than this node's";
    found.push({ code: "contradiction", path: "peer.name", want, got: JSON.stringify(name) });
  }
  const user = config.checks?.user;
  if (user === "root" || (user !== undefined && /^0+$/.test(user))) {
    const want = "an account that is not root: scripts come from a web page and from the peer";
    found.push({ code: "contradiction", path: "checks.user", want, got: JSON.stringify(user) });
  }
  return found;
}
