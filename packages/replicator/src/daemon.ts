// daemon.ts — the replicator put together: stores, peer, sockets, schedule.
import { mkdir } from "node:fs/promises";
import {
  type ApplianceConfig,
  type AppliancePaths,
  type Clock,
  type ControlServer,
  createControlServer,
  createEventLog,
  type Log,
  type Problem,
  ProblemsError,
  parseAppliance,
  RefusalError,
  type ReplicatorStatus,
  type Run,
  readTextFile,
} from "@lbpair/common";
import cron from "node-cron";
import { connectPeer } from "./connect-peer.js";
import { finishFollowing } from "./follow.js";
import { createLocalDaemons } from "./local-daemons.js";
import { keepModes } from "./mode-keeper.js";
import { createModesStore } from "./modes-store.js";
import type { NodeState } from "./node-state.js";
import { createQueue } from "./queue.js";
import { openReceiveSocket } from "./receive-socket.js";
import { createReceiveHandler } from "./receive-verbs.js";
import { createReplicator } from "./replicator.js";
import { createRevisionStore } from "./revision-store.js";
import { createRoutes } from "./routes.js";
import { executeForPeer } from "./set-modes.js";
import { createStatus } from "./status.js";

export interface DaemonOptions {
  readonly paths: AppliancePaths;
  readonly run: Run;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** Group of the account that the peer's key logs in to; undefined = none, the peer is shut out. */
  readonly receiveGroup: number | undefined;
}

/** A schedule that came late is simply late: the next look finds what this one would have. */
const CRON_OPTIONS = { noOverlap: true, suppressMissedWarning: true };

export interface ReplicatorDaemon {
  status(): Promise<ReplicatorStatus>;
  close(): Promise<void>;
}

async function readAppliance(paths: AppliancePaths): Promise<ApplianceConfig> {
  const text = await readTextFile(paths.applianceFile);
  if (text === undefined) {
    const problem: Problem = {
      code: "file-missing",
      path: "",
      want: "a file",
      got: "none",
      file: paths.applianceFile,
    };
    throw new ProblemsError([problem]);
  }
  const parsed = parseAppliance(text);
  if (!parsed.ok) throw new ProblemsError(parsed.problems);
  if (!cron.validate(parsed.value.replication.reconcile)) {
    const got = JSON.stringify(parsed.value.replication.reconcile);
    const path = "replication.reconcile";
    throw new ProblemsError([
      {
        code: "wrong-value",
        path,
        want: "a cron schedule, e.g. */5 * * * *",
        got,
        file: "appliance.yaml",
      },
    ]);
  }
  return parsed.value;
}

async function createNodeState(
  options: DaemonOptions,
  appliance: () => ApplianceConfig,
): Promise<NodeState> {
  const { paths, run, clock, log } = options;
  const events = await createEventLog({
    node: appliance().node.name,
    daemon: "replicator",
    file: paths.eventsFile("replicator"),
    wall: () => clock.wall(),
    onDiskError: (error) => log.warn({ error: error.message }, "events do not reach the disk"),
  });
  events.follow((record) => log.info({ event: record.event, ...record.facts }, record.text));
  const revisions = createRevisionStore(paths);
  await revisions.clean();
  return {
    paths,
    run,
    clock,
    events,
    revisions,
    modes: createModesStore(paths),
    daemons: createLocalDaemons(paths),
    queue: createQueue(),
    appliance,
  };
}

/** Runs until `close`. Throws ProblemsError where appliance.yaml cannot be used. */
export async function startReplicator(options: DaemonOptions): Promise<ReplicatorDaemon> {
  const { paths, log } = options;
  await mkdir(paths.state, { recursive: true });
  let appliance = await readAppliance(paths);
  const node = await createNodeState(options, () => appliance);
  await finishFollowing(node);
  // Whoever died between the swap and the others' reload left them with the former revision.
  void node.queue(() => node.daemons.reload());
  const replicator = createReplicator(node);
  const onLost = () => replicator.note({ kind: "awake" });
  const usePeer = () => replicator.usePeer(connectPeer(appliance, paths, onLost));
  const reconcile = () => void replicator.attempt({ effort: "repair" });
  const schedule = () => cron.schedule(appliance.replication.reconcile, reconcile, CRON_OPTIONS);
  let task = schedule();
  const ownStatus = createStatus(node, replicator, options.version);

  const receive = await openReceiveSocket({
    path: paths.receiveSocket,
    group: options.receiveGroup,
    handle: createReceiveHandler(node, {
      // A greeting proves that the peer is back: no need to sit out the backoff.
      followed: ({ revision, modes }) =>
        replicator.note({
          kind: "compared",
          verdict: "same",
          reason: `revision ${revision?.serial} is in force on both`,
          peer: { revision, modes },
        }),
      heard: () => {
        if (replicator.answer().state === "unreachable") replicator.note({ kind: "awake" });
      },
      setModes: (request) => executeForPeer(node, replicator, request),
      ownStatus,
    }),
    onRefused: (why) =>
      node.events.record("warn", "request-refused", `a request of the peer: ${why}`),
  });

  const reload = async (): Promise<{ changed: number }> => {
    const next = await readAppliance(paths).catch((error: unknown) => {
      if (!(error instanceof ProblemsError)) throw error;
      throw new RefusalError(422, "appliance.yaml is refused; nothing was changed", error.problems);
    });
    const differs = JSON.stringify(next) !== JSON.stringify(appliance);
    appliance = next;
    if (!differs) return { changed: 0 };
    await task.stop();
    task = schedule();
    usePeer();
    return { changed: 1 };
  };

  const close = async (): Promise<void> => {
    await task.stop();
    modeKeeper.stop();
    replicator.close();
    await receive.close();
    await control?.close();
    await node.events.close();
  };
  const control: ControlServer | undefined = await createControlServer({
    path: paths.socket("replicator"),
    routes: createRoutes({ node, replicator, status: ownStatus, reload, restart: close }),
  });
  usePeer();
  const modeKeeper = keepModes(node, replicator, log);
  log.info({ version: options.version }, "replicator ready");
  return { status: ownStatus, close };
}
