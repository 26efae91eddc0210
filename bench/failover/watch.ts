// watch.ts — clients, third hosts and a clock around one act: everything that anybody saw of it.
import {
  ADDRESSES,
  GATEWAY,
  type HostName,
  monotonicMs,
  type Probe,
  type ProbeKinds,
  VIP,
  type World,
} from "@lbpair/lab";
import { BENCH_PORT, ECHO_PORT } from "./world/bench-world.js";

type Result<K extends keyof ProbeKinds> = ProbeKinds[K]["result"];

export interface WatchOptions {
  /** Open connections in all, half of them from behind the router. */
  readonly connections: number;
  /** How many of them send or receive a byte each 10 ms; nine of ten unless told otherwise. */
  readonly talkers?: number;
  /** Milliseconds between questions of the third hosts. */
  readonly arpMs?: number;
  /** Milliseconds between datagrams. */
  readonly echoMs?: number;
  /** False: no new connections are made. */
  readonly newcomers?: boolean;
  /** Addresses besides VIP and gateway whose announcements are written down. */
  readonly listenFor?: readonly string[];
}

/** An address as the third host on its network saw it. */
export type SeenAddress = Result<"arp-watch">["watched"][number];

export interface Seen {
  readonly echo: Result<"udp-echo">;
  readonly newcomers: Result<"new-connections"> | undefined;
  readonly open: readonly Result<"busy-connections">[];
  /** VIP first, then the gateway, then what else was listened for. */
  readonly addresses: readonly SeenAddress[];
  /** Named moments on the shared monotonic clock. */
  readonly moments: Readonly<Record<string, number>>;
  readonly endMs: number;
}

export type Note = (moment: string) => void;

/** A claimant that left so many questions unanswered has stopped: shorter than any change of the role. */
const PAUSE_QUESTIONS = 4;
/** A kick reaches the server that its port is dealt to; after so many every process had one. */
const KICKS = 16;
const SETTLE_MS = 500;
const QUIET_MS = 200;
const NEWCOMER = { intervalMs: 5, slowMs: 100, timeoutMs: 5000, listFromMs: 2 };

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

async function startProbes(world: World, options: WatchOptions) {
  const started: { abandon(): Promise<void>; mark(): void }[] = [];
  const keep = async <K extends keyof ProbeKinds>(promise: Promise<Probe<K>>) => {
    const probe = await promise;
    started.push(probe);
    return probe;
  };
  const half = (count: number, first: boolean) => (first ? Math.ceil : Math.floor)(count / 2);
  const busy = (host: HostName, first: boolean) =>
    keep(
      world.probe(host, "busy-connections", {
        address: VIP,
        port: BENCH_PORT,
        connections: half(options.connections, first),
        kicks: KICKS,
        ...(options.talkers === undefined ? {} : { talkers: half(options.talkers, first) }),
      }),
    );
  const arp = (host: HostName, link: string, address: string, target: string) =>
    keep(
      world.probe(host, "arp-watch", {
        link,
        address,
        targets: [target],
        listenFor: target === VIP ? (options.listenFor ?? []) : [],
        intervalMs: options.arpMs ?? 5,
        pauseMs: PAUSE_QUESTIONS * (options.arpMs ?? 5),
      }),
    );
  const target = { address: VIP, port: BENCH_PORT };
  try {
    const [near, far, front, back, echo, newcomers] = await Promise.all([
      busy("client", true),
      busy("far", false),
      arp("front-watch", "eth1", ADDRESSES.frontWatch, VIP),
      arp("back-watch", "eth0", ADDRESSES.backWatch, GATEWAY),
      keep(
        world.probe("client", "udp-echo", {
          address: VIP,
          port: ECHO_PORT,
          intervalMs: options.echoMs ?? 1,
          listFromMs: 5,
        }),
      ),
      options.newcomers === false
        ? undefined
        : keep(world.probe("client", "new-connections", { ...target, ...NEWCOMER })),
    ]);
    return { started, near, far, front, back, echo, newcomers };
  } catch (error) {
    await Promise.all(started.map((probe) => probe.abandon()));
    throw error;
  }
}

/** Starts every probe, lets them settle, performs the act, and answers with what was seen of it. */
export async function watch(
  world: World,
  options: WatchOptions,
  act: (note: Note) => Promise<void>,
): Promise<Seen> {
  const probes = await startProbes(world, options);
  try {
    await pause(SETTLE_MS);
    for (const probe of probes.started) probe.mark();
    await pause(QUIET_MS);
    const moments: Record<string, number> = {};
    await act((moment) => {
      moments[moment] = monotonicMs();
    });
    const endMs = monotonicMs();
    // The fine probes end first, so that the closing of the connections is not among their figures.
    const [echo, newcomers, front, back] = await Promise.all([
      probes.echo.stop(),
      probes.newcomers?.stop(),
      probes.front.stop(),
      probes.back.stop(),
    ]);
    const open = await Promise.all([probes.near.stop(), probes.far.stop()]);
    const [vip, ...others] = front.watched;
    const addresses = [vip, ...back.watched, ...others].filter((one) => one !== undefined);
    return { echo, newcomers, open, addresses, moments, endMs };
  } catch (error) {
    await Promise.all(probes.started.map((probe) => probe.abandon()));
    throw error;
  }
}
