#!/usr/bin/env node
// main.ts — starts the heartbeat: binds and listens first, adopts or gives up what is held, then beats.
import { mkdir } from "node:fs/promises";
import {
  createControlServer,
  createEventLog,
  createLog,
  formatProblem,
  onShutdown,
  pathsFrom,
  RefusalError,
  runCommand,
  standardRoutes,
  systemClock,
  TRANSITIONS_ASKED_MAX,
  type Verdicts,
} from "@lbpair/common";
import { createAddressWatch } from "./adapters/address-watch.js";
import { createAddresses } from "./adapters/addresses.js";
import { openAdvertSocket } from "./adapters/advert-socket.js";
import { createAnnouncer } from "./adapters/announce.js";
import { openMemoryStore, readBootId } from "./adapters/epoch-store.js";
import { readForwarded } from "./adapters/forwarded-count.js";
import { createIpSession } from "./adapters/ip-session.js";
import { createLease } from "./adapters/lease.js";
import { requestRealtime } from "./adapters/realtime.js";
import { readRouters } from "./adapters/routers.js";
import { readSuspendedMs } from "./adapters/suspended-clock.js";
import { openTransitionFile } from "./adapters/transition-file.js";
import { createVirtualLinks } from "./adapters/virtual-link.js";
import { HeartbeatDaemon } from "./daemon.js";
import { Holder } from "./holder.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { loadSettings } from "./settings.js";
import { VirtualMacs } from "./virtual-macs.js";

/** Longest wait for the kept ip; it prolongs a thousand floating IPs in some ten milliseconds. */
const IP_ANSWER_MS = 1000;

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

async function main(): Promise<void> {
  const { paths } = pathsFrom(process.argv.slice(2), process.env);
  const loaded = await loadSettings(paths);
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`);
    process.exit(1);
  }
  const settings = loaded.value;
  const { appliance } = settings.running;
  const log = createLog("heartbeat", appliance.logging.level);
  await mkdir(paths.run, { recursive: true });
  const events = await createEventLog({
    node: appliance.node.name,
    daemon: "heartbeat",
    file: paths.eventsFile("heartbeat"),
    wall: () => systemClock.wall(),
    onDiskError: (error) => log.warn({ error: error.message }, "events cannot be written"),
  });
  events.follow(({ level, event, text, facts }) =>
    log[level === "alarm" ? "error" : level]({ event, ...facts }, text),
  );
  await mkdir(paths.daemonState("heartbeat"), { recursive: true });
  const store = await openMemoryStore(paths.daemonState("heartbeat"), {
    onProblem: (text) => events.record("warn", "memory", text, {}),
  });
  const transitions = await openTransitionFile(paths.transitionsFile, {
    onProblem: (text) => events.record("warn", "transitions", text, {}),
  });
  const refused = await requestRealtime(runCommand, process.pid);
  if (refused !== null) {
    const text = `no real-time scheduling, so a busy machine may delay adverts: ${refused}`;
    events.record("warn", "not-realtime", text, {});
  }
  const lease = createLease({ run: runCommand });
  const ip = createIpSession({ answerMs: IP_ANSWER_MS });
  const keeper = new LeaseKeeper(lease, systemClock);
  // Raw frames pass an output hook by; the gate's promise is then kept here.
  const mayAnnounce = () => lease.hook === "egress" || keeper.remainingMs(systemClock.now()) > 0;
  const announcer = createAnnouncer({ mayAnnounce });
  const virtualLinks = createVirtualLinks(runCommand);
  const daemon = new HeartbeatDaemon({
    paths,
    clock: systemClock,
    log,
    events,
    settings,
    lease: keeper,
    holder: new Holder(createAddresses(runCommand, ip), new VirtualMacs(virtualLinks)),
    announcer,
    network: { mayAnnounce, routers: () => readRouters(runCommand), forwarded: readForwarded },
    openSocket: openAdvertSocket,
    // The kernel writes it with hyphens; on the wire it is 32 hex digits.
    bootId: (await readBootId()).replaceAll("-", ""),
    transitions,
    memory: store.memory,
    remember: (memory) => store.write(memory),
    suspendedMs: readSuspendedMs,
  });
  const watch = createAddressWatch({
    onEvent: (event) => daemon.onLink(event),
    onGap: () => daemon.guard.lookAgain(),
  });
  const control = await createControlServer({
    path: paths.socket("heartbeat"),
    routes: {
      ...standardRoutes({
        status: () => daemon.status(),
        reload: () => daemon.reload(),
        restart: async () => {
          await daemon.prepareRestart();
          await leave();
        },
        events,
      }),
      "POST /forwarder": ({ body }) => {
        const { ready, reason, verdicts } = readForwarder(body);
        daemon.onForwarder(ready, reason, verdicts);
        return {};
      },
      "GET /transitions": ({ query }) => daemon.trace.answer(readLimit(query.get("limit"))),
      "POST /make-active": ({ body }) => daemon.makeActive(readDesignation(body), "an operator"),
    },
  });
  const leave = async (): Promise<void> => {
    await daemon.close();
    watch.close();
    await control.close();
    lease.close();
    ip.renew();
    announcer.close();
    await store.close();
    await transitions.close();
    await events.close();
  };
  onShutdown(async (signal) => {
    await daemon.stop(`ordered to stop by ${signal}`);
    await leave();
  });
  await daemon.start();
  events.record("info", "started", "the heartbeat has started", { pid: process.pid });
}

await main();
