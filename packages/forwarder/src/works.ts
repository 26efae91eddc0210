// works.ts — wiring: everything that exists once a configuration could be read, and what it tells.
import { join } from "node:path";
import {
  type AppliancePaths,
  type Clock,
  type CoverageByRule,
  coverageByRule,
  type EventLog,
  type ForwarderStatus,
  type Log,
  type Millis,
  type RevisionId,
  type Run,
  type Running,
  type ServiceStatus,
} from "@lbpair/common";
import { createUsageWatch, type UsageWatch } from "./connection-usage.js";
import { createConnectionTable } from "./conntrack.js";
import { Convergence } from "./convergence.js";
import { CountKeeper } from "./count-keeper.js";
import { DataPlane } from "./data-plane.js";
import { createFlowKeeper } from "./flow-keeper.js";
import { createHealthEngine } from "./health/engine.js";
import type { HealthEngine } from "./health/types.js";
import { createHoldTeller, type HoldTeller } from "./hold-teller.js";
import { inSlices } from "./in-slices.js";
import { createNftTable } from "./nft.js";
import { DrainBook, withOperatorWords } from "./operator-word.js";
import { createPageServer, type PageServer } from "./page-server.js";
import { PersistenceKeeper } from "./persistence-keeper.js";
import { createPinCarrier, type PinCarrier } from "./pin-carrier.js";
import { PinKeeper } from "./pin-keeper.js";
import { createPinTable } from "./pin-table.js";
import { healthFrom } from "./pool.js";
import { createProvoker } from "./provoker.js";
import { tableName } from "./rules.js";
import { createSnapshotReader, NOTHING_REFUSED, type SnapshotReader } from "./snapshot.js";
import { statusTeller } from "./status.js";
import { type TableWatch, watchTable } from "./table-watch.js";
import { readTotals } from "./totals-file.js";

export const FAMILY = 4;

export interface WorksDeps {
  readonly paths: AppliancePaths;
  readonly clock: Clock;
  readonly run: Run;
  readonly log: Log;
  /** Replaces the checks, for tests of what follows from their verdicts. */
  readonly createEngine?: typeof createHealthEngine;
}

export interface Works {
  readonly convergence: Convergence;
  readonly counts: CountKeeper;
  readonly plane: DataPlane;
  readonly engine: HealthEngine;
  readonly snapshots: SnapshotReader;
  readonly watch: TableWatch;
  readonly pins: PinKeeper;
  readonly carrier: PinCarrier;
  readonly drains: DrainBook;
  readonly usage: UsageWatch;
  readonly page: PageServer;
  readonly holds: HoldTeller;
}

/** Nothing is in force and no check runs yet; `convergence.use` and `engine.start` begin. */
export async function createWorks(
  deps: WorksDeps,
  running: Running,
  hooks: { readonly event: EventLog["record"]; readonly onChange: () => void },
): Promise<Works> {
  const { paths, clock, run, log } = deps;
  const { event, onChange } = hooks;
  const { markMask } = running.appliance.kernel;
  const nft = createNftTable(run, { family: FAMILY, markMask });
  const connections = createConnectionTable(run, FAMILY);
  const provoker = createProvoker(markMask, (text) => log.warn({ text }, "provocation failed"));
  const totalsFile = join(paths.daemonState("forwarder"), "totals.json");
  const past = await readTotals(totalsFile);
  const carrier = createPinCarrier({ socket: paths.socket("replicator"), clock, log });
  const table = createPinTable(nft, FAMILY);
  const persistence = new PersistenceKeeper(table, clock);
  const pins = new PinKeeper({ table, carrier, persistence, clock, log, event });
  const flows = createFlowKeeper({ family: FAMILY, nft, connections, provoker, pins, event });
  const plane = new DataPlane({ family: FAMILY, nft, flows, clock, log, event }, past);
  const engine = (deps.createEngine ?? createHealthEngine)({
    clock,
    run,
    stateFile: join(paths.daemonState("forwarder"), "verdicts.json"),
    scriptFolder: paths.runningHealthChecks,
    user: running.appliance.checks.user,
    sources: () => convergence.running.appliance.checks.sources,
    log,
    event,
  });
  const holds = createHoldTeller(paths.socket("replicator"), log);
  const counts = new CountKeeper(totalsFile, () => plane.past, log);
  const convergence = new Convergence(
    { paths, run, plane, engine, log, event, onChange, onHeld: holds.tell },
    running,
  );
  const guarded = (work: Promise<void>) => {
    work.catch((error: unknown) =>
      log.error({ error: String(error) }, "the table is not restored"),
    );
  };
  const watch = watchTable({
    table: tableName(FAMILY),
    isOwn: nft.isOwn,
    onLost: () => guarded(plane.restore(clock.now())),
    onTouched: () => guarded(plane.touched()),
    onRemoved: (element) => {
      plane.credit(element);
      counts.keepSoon();
    },
    onTrouble: (text) => log.warn({ text }, "nft monitor"),
  });
  const snapshots = createSnapshotReader({ plane, nft, connections, clock, log });
  const drains = new DrainBook();
  const page = createPageServer(event);
  return {
    convergence,
    counts,
    plane,
    engine,
    snapshots,
    watch,
    pins,
    carrier,
    drains,
    usage: createUsageWatch(event),
    page,
    holds,
  };
}

/** Identity of the configuration in force, without who made it and why. */
const shortRevision = ({ revision }: Running): RevisionId | null =>
  revision === null ? null : { serial: revision.serial, hash: revision.hash };

type VirtualServices = Running["services"]["virtualServices"];

type Told = Pick<
  ForwarderStatus,
  | "revision"
  | "verdicts"
  | "disagreements"
  | "services"
  | "table"
  | "refused"
  | "sysctls"
  | "connectionTable"
>;

/** The same fields where no configuration could be read. */
export const NOTHING_TO_TELL: Told = {
  revision: null,
  verdicts: { serial: 0, hash: "", unhealthy: [], unknown: [], source: "memory" },
  disagreements: [],
  services: [],
  table: { present: false, repairs: 0, lastRepairMs: null },
  refused: NOTHING_REFUSED,
  sysctls: [],
  connectionTable: null,
};

const coverages = new WeakMap<VirtualServices, CoverageByRule[]>();

/** A property of the configuration: found once for each. */
function coverageOf(services: VirtualServices): CoverageByRule[] {
  const known = coverages.get(services) ?? coverageByRule(services);
  coverages.set(services, known);
  return known;
}

/** `now` is on the verdicts' clock, `wallMs` what people compare an operator's times with. */
export async function worksStatus(works: Works, now: Millis, wallMs: number): Promise<Told> {
  const { convergence, plane, engine, snapshots, pins } = works;
  const { running } = convergence;
  const { totals, flows, refused } = await snapshots.read();
  const followed = engine.followed();
  const own = engine.own();
  const healthOf = healthFrom(followed);
  const distributions = plane.wish?.distributions ?? [];
  const tell = statusTeller({
    distributions,
    coverage: coverageOf(running.services.virtualServices),
    verdicts: own,
    healthOf,
    totals,
    flows,
    pinnedServer: (flow) => pins.carriedServer(flow),
    persisted: pins.persisted,
    fullOf: convergence.load.fullOf,
    now,
  });
  const services: ServiceStatus[] = [];
  await inSlices(distributions, (each) => services.push(tell(each)));
  return {
    revision: shortRevision(running),
    verdicts: followed,
    disagreements: [...own.values()].flatMap((verdict) =>
      verdict.checkedAt !== null && verdict.health !== healthOf(verdict.id) ? verdict.id : [],
    ),
    services: withOperatorWords(services, running.modes, works.drains, wallMs),
    table: plane.table,
    refused,
    sysctls: convergence.sysctls,
    connectionTable: works.usage.usage,
  };
}
