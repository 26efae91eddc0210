// claim-watch.ts — third hosts on both networks that ask every 5 ms who has which address, and what they heard.
import {
  ADDRESSES,
  GATEWAY,
  type HostName,
  ownerOfMac,
  type ProbeKinds,
  VIP,
  type World,
} from "@lbpair/lab";

type WatchedAddress = ProbeKinds["arp-watch"]["result"]["watched"][number];

/** What one third host heard about one address. */
export interface Watched extends WatchedAddress {
  readonly network: "front" | "back";
  /** How late the watcher itself was at most: a machine under load asks more rarely than it should. */
  readonly latenessMaxMs: number;
}

export interface ClaimWatch {
  stop(): Promise<readonly Watched[]>;
  abandon(): Promise<void>;
}

const WATCHERS = [
  { network: "front", host: "front-watch", link: "eth1", address: ADDRESSES.frontWatch },
  { network: "back", host: "back-watch", link: "eth0", address: ADDRESSES.backWatch },
] as const satisfies readonly { network: string; host: HostName; link: string; address: string }[];

/** Asks for both floating addresses on both networks, until it is stopped. */
export async function watchClaims(world: World): Promise<ClaimWatch> {
  const probes = await Promise.all(
    WATCHERS.map(async ({ network, host, link, address }) => ({
      network,
      probe: await world.probe(host, "arp-watch", {
        link,
        address,
        targets: [VIP, GATEWAY],
        intervalMs: 5,
        pauseMs: 50,
      }),
    })),
  );
  return {
    async stop() {
      const results = await Promise.all(
        probes.map(async ({ network, probe }) => ({ network, ...(await probe.stop()) })),
      );
      return results.flatMap(({ network, watched, latenessMaxMs }) =>
        watched.map((one): Watched => ({ ...one, network, latenessMaxMs })),
      );
    },
    async abandon() {
      await Promise.all(probes.map(({ probe }) => probe.abandon()));
    },
  };
}

/** Who claimed, in the order they began; a pause of the same claimant does not count. */
export const claimants = ({ runs }: WatchedAddress): string[] =>
  runs.map((run) => ownerOfMac(run.mac) ?? run.mac).filter((owner, i, all) => owner !== all[i - 1]);

/** One line per address for people. */
export const sayWatched = (all: readonly Watched[]): string =>
  all
    .map((one) => {
      const kinds = new Map<string, number>();
      for (const { kind } of one.claims) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      const heard = [...kinds].map(([kind, count]) => `${count} × ${kind}`).join(", ");
      return (
        `${one.network} ${one.address}: asked ${one.asked} times (late ${one.latenessMaxMs.toFixed(0)} ms at most), ` +
        `${heard === "" ? "nobody" : `${heard} by ${claimants(one).join(", then ")}`}, ` +
        `${one.overlaps.length} overlaps, silent ${one.longestSilenceMs.toFixed(0)} ms at most`
      );
    })
    .join("\n");
