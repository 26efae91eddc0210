// ready-pair.ts — a running pair for a test file: made once, brought back to health between tests, cleared away.
import {
  APPLIANCES,
  type ApplianceName,
  activeNodes,
  type CheckTimes,
  createWorld,
  DAEMONS,
  isSettled,
  labNotPossible,
  type PairView,
  type World,
  type WorldOptions,
  waitForPair,
} from "@lbpair/lab";

const reason = await labNotPossible();
/** Handed to every test of this folder: a machine that cannot run the lab says so, loudly. */
export const skip: string | false = reason === undefined ? false : `SKIPPED, NOT TESTED: ${reason}`;

/** How often each scenario is repeated; the full run asks for more than one. */
export const REPEATS = Math.max(1, Number(process.env.LBPAIR_REPEATS ?? "1"));

/** Starting two appliances on a machine under load. */
const START_MS_MAX = 60_000;

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Every service of every node has been judged and is served by the primary cluster. */
export const isServing = (pair: PairView): boolean =>
  APPLIANCES.every(
    (name) =>
      pair[name].forwarder?.services.every(({ onFallback, servers }) => {
        // Nobody checks a fallback server.
        const real = servers.filter((server) => server.role === "real");
        return !onFallback && real.every((server) => server.health === "healthy");
      }) === true,
  );

/** Both nodes say that nothing is left to be replicated. */
export const isInSync = (pair: PairView): boolean =>
  APPLIANCES.every((name) => pair[name].replicator?.peer.state === "in-sync");

/** Waits until this node says that it is active, whatever the other says. */
export const waitActive = (
  world: World,
  name: ApplianceName,
  timeoutMs?: number,
): Promise<PairView> =>
  waitForPair(world, `${name} active`, (pair) => activeNodes(pair).includes(name), timeoutMs);

/** Heals every fault that tests make; answers with the one active node of a pair that is well. */
export async function makeWell(world: World): Promise<ApplianceName> {
  await world.cables.heal();
  for (const name of APPLIANCES) {
    for (const daemon of DAEMONS) {
      const { frozen, leftDead } = world.appliances[name].view(daemon);
      if (frozen) world.appliances[name].thaw(daemon);
      if (leftDead) world.appliances[name].start(daemon);
    }
  }
  const pair = await waitForPair(
    world,
    "a pair that is well",
    (view) => isSettled(view) && isServing(view) && isInSync(view),
    START_MS_MAX,
  );
  return pair.lb1.heartbeat?.condition === "active" ? "lb1" : "lb2";
}

/**
 * A pair that is well, and knows it: right after a heal the active's last word may still be of the
 * long lease of a lone node, and a passive node rightly waits for the end of that.
 */
export async function makeCalm(world: World): Promise<ApplianceName> {
  const active = await makeWell(world);
  await waitForPair(
    world,
    "a short lease",
    (pair) => pair[active].heartbeat?.lease.kind === "short",
    START_MS_MAX,
  );
  await pause(CALM_MS);
  return active;
}

/** Two of the slowest keepalives. */
const CALM_MS = 500;

/** Slower than the lab's own: on a machine under load a script of ours may take a second to answer. */
const CHECK: CheckTimes = { interval: "2s", timeout: "1900ms", failures: 3, successes: 1 };

/** A world whose two appliances are on, agreed on who is active, and serving. */
export async function createReadyPair(options: WorldOptions = {}): Promise<World> {
  const world = await createWorld({ check: CHECK, ...options });
  try {
    await Promise.all(APPLIANCES.map((name) => world.appliances[name].powerOn()));
    await makeWell(world);
    return world;
  } catch (error) {
    console.log(await recentEvents(world));
    await world.destroy();
    throw error;
  }
}

/** What the pair says happened lately: printed where a test fails, or nobody could tell why. */
export async function recentEvents(world: World, limit = 40): Promise<string> {
  const { stdout, stderr } = await world.cli("lb1", ["events", "--limit", `${limit}`]);
  return `${stdout}${stderr}`;
}
