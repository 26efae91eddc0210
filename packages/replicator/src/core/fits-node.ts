// fits-node.ts — whether a service configuration can work on this very node: its own addresses and networks.
import {
  type ApplianceConfig,
  familyOf,
  inNetwork,
  type Problem,
  type ServicesConfig,
} from "@lbpair/common";

/** An address this node has now. */
export interface OwnAddress {
  readonly link: string;
  readonly address: string;
  readonly prefixLength: number;
}

export interface NodeView {
  readonly addresses: readonly OwnAddress[];
  readonly appliance: ApplianceConfig;
  /** Floating addresses in force: holding one of these is being active, not a conflict. */
  readonly floating: ReadonlySet<string>;
}

const isHostRoute = (own: OwnAddress): boolean =>
  own.prefixLength === (familyOf(own.address) === 4 ? 32 : 128);

interface Wanted {
  readonly path: string;
  readonly address: string;
}

/** Every address of a configuration that follows the active node. */
export function floatingAddresses(services: ServicesConfig): Wanted[] {
  return [
    ...services.floatingIps.map(({ address }, i) => ({
      path: `floatingIps[${i}].address`,
      address,
    })),
    ...services.virtualServices.map(({ address }, i) => ({
      path: `virtualServices[${i}].address`,
      address,
    })),
  ];
}

/** Addresses that appliance.yaml gives to the two boxes themselves. */
function fixedAddresses(appliance: ApplianceConfig): Map<string, string> {
  const fixed = new Map<string, string>();
  for (const path of appliance.peer?.paths ?? []) {
    fixed.set(path.local, "this node's own address on a heartbeat path");
    fixed.set(path.peer, "its peer's own address on a heartbeat path");
  }
  if (appliance.peer !== undefined) fixed.set(appliance.peer.ssh.address, "its peer's SSH address");
  return fixed;
}

/** Everything that speaks against a configuration on this node; empty where it fits. */
export function judgeFit(services: ServicesConfig, view: NodeView, file: string): Problem[] {
  const problems: Problem[] = [];
  const fixed = fixedAddresses(view.appliance);
  for (const { path, address } of floatingAddresses(services)) {
    const own = view.addresses.find((one) => one.address === address);
    if (own !== undefined && !(isHostRoute(own) && view.floating.has(address))) {
      const got = `${address}, this node's own on ${own.link}`;
      problems.push({
        code: "address-local",
        path,
        want: "an address that no node owns",
        got,
        file,
      });
      continue;
    }
    const fixedAs = fixed.get(address);
    if (fixedAs !== undefined) {
      const want = "an address that no node owns";
      problems.push({ code: "address-local", path, want, got: `${address}, ${fixedAs}`, file });
      continue;
    }
    const carried = view.addresses.some(
      (one) => !isHostRoute(one) && inNetwork(address, one.address, one.prefixLength),
    );
    if (!carried) {
      const networks = view.addresses
        .filter((one) => !isHostRoute(one) && one.link !== "lo")
        .map((one) => `${one.link} ${one.address}/${one.prefixLength}`);
      const want = `an address in a network of this node (${networks.join(", ") || "it has none"})`;
      problems.push({ code: "no-interface", path, want, got: address, file });
    }
  }
  return problems;
}

/** A check script that a service names and the set does not hold. */
export function judgeScripts(
  services: ServicesConfig,
  scripts: ReadonlySet<string>,
  file: string,
): Problem[] {
  return services.virtualServices.flatMap((service, i): Problem[] => {
    if (service.check.type !== "external" || scripts.has(service.check.script)) return [];
    const path = `virtualServices[${i}].check.script`;
    const known = [...scripts].sort().join(", ") || "which is empty";
    const want = `a script of health-checks/ (${known})`;
    return [{ code: "script-missing", path, want, got: service.check.script, file }];
  });
}
