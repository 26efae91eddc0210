#!/usr/bin/env node
// main.ts — starts the heartbeat: binds and listens first, adopts or gives up what is held, then beats.
import { setTimeout as pause } from "node:timers/promises";
import {
  type AppliancePaths,
  createControlServer,
  createEventLog,
  createIcmpPing,
  type EventLog,
  ensureFolder,
  formatProblem,
  onShutdown,
  pathsFrom,
  RefusalError,
  runCommand,
  standardRoutes,
  systemClock,
  TRANSITIONS_ASKED_MAX,
  type Verdicts,
} from "@lbpair/common/light";
import { createAddressWatch } from "./adapters/address-watch.js";
import { createAddresses } from "./adapters/addresses.js";
import { openAdvertSocket } from "./adapters/advert-socket.js";
import { createAnnouncer } from "./adapters/announce.js";
import { type MemoryStore, openMemoryStore, readBootId } from "./adapters/epoch-store.js";
import { readForwarded } from "./adapters/forwarded-count.js";
import { createIpSession } from "./adapters/ip-session.js";
import { createLease } from "./adapters/lease.js";
import { requestRealtime } from "./adapters/realtime.js";
import { readRouters } from "./adapters/routers.js";
import { createServant } from "./adapters/servant.js";
import { readSuspendedMs } from "./adapters/suspended-clock.js";
import { openTransitionFile } from "./adapters/transition-file.js";
import { createVirtualLinks } from "./adapters/virtual-link.js";
import { HeartbeatDaemon } from "./daemon.js";
import { Holder } from "./holder.js";
import { INTENT_MS_MAX, onDiskInTime } from "./intent.js";
import { LateLog } from "./late-log.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { loadSettingsQuickly, type Settings } from "./settings.js";
import { VirtualMacs } from "./virtual-macs.js";

/** Longest wait for the kept ip; it prolongs a thousand floating IPs in some ten milliseconds. */
const IP_ANSWER_MS = 1000;
/** An end waits for the disk no longer than this: everything that matters to the peer is done by then. */
const DISK_PATIENCE_MS = 1000;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

function readForwarder(body: unknown): { ready: boolean; reason: string; verdicts: Verdicts } {
  if (isRecord(body) && typeof body.ready === "boolean" && isRecord(body.verdicts)) {
    return { ready: body.ready, reason: String(body.reason), verdicts: body.verdicts as never };
  }
  throw new RefusalError(400, "body: want {ready, reason, verdicts}");
}

function readLimit(text: string | null): number {
  const limit = text === null ? TRANSITIONS_ASKED_MAX : Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= TRANSITIONS_ASKED_MAX) return limit;
  throw new RefusalError(400, `limit: want 1 to ${TRANSITIONS_ASKED_MAX}, got ${text}`);
}

function readDesignation(body: unknown): "primary" | "secondary" {
  const designation = isRecord(body) ? body.designation : undefined;
  if (designation === "primary" || designation === "secondary") return designation;
  const got = JSON.stringify(designation) ?? "nothing";
  throw new RefusalError(400, `designation: want primary or secondary, got ${got}`);
}

async function validSettings(paths: AppliancePaths): Promise<Settings> {
  const loaded = await loadSettingsQuickly(paths, runCommand);
  if (loaded.ok) return loaded.value;
  for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`);
  return process.exit(1);
}

/** What the disk remembers: events, and claims of earlier runs. */
async function openRecords(paths: AppliancePaths, node: string, log: LateLog) {
  const events = await createEventLog({
    node,
    daemon: "heartbeat",
    file: paths.eventsFile("heartbeat"),
    wall: () => systemClock.wall(),
    onDiskError: (error) => log.write("warn", { error: error.message }, "events cannot be written"),
  });
  events.follow(({ level, event, text, facts }) =>
    log.write(level === "alarm" ? "error" : level, { event, ...facts }, text),
  );
  const folder = paths.daemonState("heartbeat");
  await ensureFolder(folder);
  const told = (event: string) => (text: string) => events.record("warn", event, text, {});
  const [store, transitions] = await Promise.all([
    openMemoryStore(folder, { onProblem: told("memory") }),
    openTransitionFile(paths.transitionsFile, { onProblem: told("transitions") }),
  ]);
  return { events, store, transitions };
}

/** A process with a write that hangs in the kernel cannot end, and the next one could not begin. */
async function refuseWhileDiskHangs(store: MemoryStore): Promise<void> {
  if (await onDiskInTime(store.settled())) return;
  const why = `the disk has not taken a write for ${INTENT_MS_MAX} ms`;
  throw new RefusalError(503, `${why}: this process could not end, nor the next one begin`);
}

async function tellRealtime(
  asked: Promise<string | null>,
  daemon: HeartbeatDaemon,
  events: EventLog,
): Promise<void> {
  const refused = await asked;
  if (refused === null) return;
  daemon.realtime = { granted: false, reason: refused };
  const text = `no real-time scheduling, so a busy machine may delay adverts: ${refused}`;
  events.record("warn", "not-realtime", text, {});
}

async function main(): Promise<void> {
  const { paths } = pathsFrom(process.argv.slice(2), process.env);
  // First of all: on a busy machine everything behind it comes sooner.
  const realtime = requestRealtime(runCommand, process.pid);
  const settings = await validSettings(paths);
  const { appliance } = settings.running;
  const log = new LateLog();
  const { events, store, transitions } = await openRecords(paths, appliance.node.name, log);
  const servant = createServant();
  const { run } = servant;
  const lease = createLease({ run });
  const ip = createIpSession({ answerMs: IP_ANSWER_MS });
  const routesIp = createIpSession({ answerMs: IP_ANSWER_MS });
  const routers = (changed: boolean) => {
    // A session remembers which name is which link.
    if (changed) routesIp.renew();
    return readRouters(run, changed ? undefined : routesIp);
  };
  const keeper = new LeaseKeeper(lease, systemClock);
  // Raw frames pass an output hook by; the gate's promise is then kept here.
  const mayAnnounce = () => lease.hook === "egress" || keeper.remainingMs(systemClock.now()) > 0;
  const announcer = createAnnouncer({ mayAnnounce });
  const virtualLinks = createVirtualLinks(run);
  const daemon = new HeartbeatDaemon({
    paths,
    clock: systemClock,
    log,
    run,
    events,
    settings,
    lease: keeper,
    holder: new Holder(createAddresses(run, ip), new VirtualMacs(virtualLinks)),
    announcer,
    network: { mayAnnounce, routers, forwarded: readForwarded },
    ping: createIcmpPing(),
    openSocket: openAdvertSocket,
    // The kernel writes it with hyphens; on the wire it is 32 hex digits.
    bootId: readBootId().replaceAll("-", ""),
    transitions,
    memory: store.memory,
    remember: (memory) => store.write(memory),
    remembered: () => store.settled(),
    suspendedMs: readSuspendedMs,
  });
  daemon.listen();
  const watch = createAddressWatch({
    onEvent: (event) => daemon.onLink(event),
    onGap: () => daemon.guard.lookAgain(),
  });
  const standard = standardRoutes({
    status: () => daemon.status(),
    reload: () => daemon.reload(),
    restart: async () => {
      await daemon.prepareRestart();
      await leave();
    },
    events,
  });
  const control = await createControlServer({
    path: paths.socket("heartbeat"),
    routes: {
      ...standard,
      "POST /restart": async (request) => {
        await refuseWhileDiskHangs(store);
        return standard["POST /restart"]?.(request);
      },
      "POST /forwarder": ({ body }) => {
        const { ready, reason, verdicts } = readForwarder(body);
        return { taken: daemon.onForwarder(ready, reason, verdicts) };
      },
      "GET /transitions": ({ query }) => daemon.trace.answer(readLimit(query.get("limit"))),
      "POST /make-active": ({ body }) =>
        daemon.orders.makeActive(readDesignation(body), "an operator"),
      "POST /clear-flaps": () => daemon.orders.clearFlaps("an operator"),
    },
  });
  const leave = async (): Promise<void> => {
    await daemon.close();
    watch.close();
    await control.close();
    lease.close();
    ip.close();
    routesIp.close();
    servant.close();
    announcer.close();
    const written = Promise.all([store.settled(), transitions.close(), events.close()]);
    await Promise.race([written, pause(DISK_PATIENCE_MS)]);
  };
  onShutdown(async (signal) => {
    await daemon.stop(`ordered to stop by ${signal}`);
    await leave();
  });
  const started = daemon.start();
  // While the kernel is asked what it holds, by other processes.
  const logging = import("@lbpair/common/log").then(({ createLog }) =>
    log.begin(createLog("heartbeat", appliance.logging.level)),
  );
  await started;
  // The last forks: from now on shells that are there start whatever is needed.
  for (const each of [lease, servant, ip, routesIp]) each.prepare();
  await Promise.all([tellRealtime(realtime, daemon, events), logging]);
  events.record("info", "started", "the heartbeat has started", { pid: process.pid });
}

await main();
