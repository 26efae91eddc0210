// who-answers.ts — asks both networks all the time who has the floating addresses, while something happens.
import {
  ADDRESSES,
  APPLIANCES,
  type ApplianceName,
  type Claim,
  GATEWAY,
  type Overlap,
  type ProbeKinds,
  VIP,
} from "@lbpair/lab";
import type { Machines } from "./containers.js";

export interface Answers {
  /** Moments with two claimants of one address. */
  readonly overlaps: readonly Overlap[];
  readonly asked: number;
  /** Claims of one appliance, of VIP and gateway together, in the order they were heard. */
  by(name: ApplianceName): readonly Claim[];
}

const NETWORKS = [
  { network: "front", host: "front-watch", address: ADDRESSES.frontWatch, target: VIP },
  { network: "back", host: "back-watch", address: ADDRESSES.backWatch, target: GATEWAY },
] as const;

/** A claimant silent for longer has stopped. */
const PAUSE_MS = 50;
const ASK_MS = 5;

export async function watchingAnswers<T>(
  machines: Machines,
  act: () => Promise<T>,
): Promise<{ readonly value: T; readonly answers: Answers }> {
  const macs = new Map<string, ApplianceName>();
  for (const name of APPLIANCES) {
    for (const { network } of NETWORKS) {
      macs.set((await machines.link(name, ADDRESSES[network][name])).mac, name);
    }
  }
  const probes = await Promise.all(
    NETWORKS.map(async ({ host, address, target }) =>
      machines.probe(host, "arp-watch", {
        link: (await machines.link(host, address)).name,
        address,
        targets: [target],
        intervalMs: ASK_MS,
        pauseMs: PAUSE_MS,
      }),
    ),
  );
  try {
    const value = await act();
    const results: ProbeKinds["arp-watch"]["result"][] = await Promise.all(
      probes.map((probe) => probe.stop()),
    );
    const watched = results.flatMap((result) => result.watched);
    const claims = watched.flatMap((one) => one.claims).sort((a, b) => a.atMs - b.atMs);
    return {
      value,
      answers: {
        overlaps: watched.flatMap((one) => one.overlaps),
        asked: watched.reduce((sum, one) => sum + one.asked, 0),
        by: (name) => claims.filter((claim) => macs.get(claim.mac) === name),
      },
    };
  } finally {
    await Promise.all(probes.map((probe) => probe.abandon()));
  }
}
