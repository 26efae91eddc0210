// blows.ts — what is done to which daemon of which node when: a fixed series for each seed.
import { APPLIANCES, type ApplianceName, DAEMONS, type World } from "@lbpair/lab";

type Daemon = (typeof DAEMONS)[number];
export const HARMS = ["stop", "kill", "restart"] as const;
type Harm = (typeof HARMS)[number];

export interface Blow {
  readonly node: ApplianceName;
  readonly daemon: Daemon;
  readonly harm: Harm;
  /** How long a stopped daemon stays away, in milliseconds. */
  readonly awayMs: number;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export function nextBlow(random: () => number): Blow {
  const pick = <T>(all: readonly T[], otherwise: T): T =>
    all[Math.floor(random() * all.length)] ?? otherwise;
  return {
    node: pick(APPLIANCES, "lb1"),
    daemon: pick(DAEMONS, "forwarder"),
    harm: pick(HARMS, "kill"),
    awayMs: Math.round(100 + 800 * random()),
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Performs one blow, and sees to it that the daemon is started again. */
async function strike(world: World, { node, daemon, harm, awayMs }: Blow): Promise<void> {
  const appliance = world.appliances[node];
  if (harm === "kill") return appliance.kill(daemon);
  if (harm === "restart") {
    // A daemon that has not come up yet cannot be asked: that is no fault of its.
    await appliance.ask(daemon, "POST /restart", undefined, 2000).catch(() => undefined);
    return;
  }
  await appliance.stop(daemon);
  await pause(awayMs);
  appliance.start(daemon);
}

export interface ChaosReport {
  /** Blows by `node daemon harm`. */
  readonly struck: Readonly<Record<string, number>>;
}

/** Strikes every `everyMs` for `forMs`; a daemon still away from the last blow is not struck again. */
export async function unleashChaos(
  world: World,
  options: { readonly seed: number; readonly everyMs: number; readonly forMs: number },
): Promise<ChaosReport> {
  const random = randomNumbers(options.seed);
  const away = new Map<string, Promise<void>>();
  const struck: Record<string, number> = {};
  const failures: unknown[] = [];
  for (let i = 0; i < options.forMs / options.everyMs; i += 1) {
    const blow = nextBlow(random);
    const whom = `${blow.node} ${blow.daemon}`;
    if (!away.has(whom)) {
      const what = `${whom} ${blow.harm}`;
      struck[what] = (struck[what] ?? 0) + 1;
      const work = strike(world, blow)
        .catch((error: unknown) => failures.push(error))
        .then(() => void away.delete(whom));
      away.set(whom, work);
    }
    await pause(options.everyMs);
  }
  await Promise.all(away.values());
  if (failures.length > 0) throw failures[0];
  return { struck };
}
