// timing-calculator.ts — how long an outage can last at worst, computed from the configuration.
import { formatDuration } from "./duration.js";

/** Lengths of time in milliseconds, and what else decides, as `heartbeat` in services.yaml has them. */
export interface TimingSettings {
  readonly keepalive: number;
  readonly warntime: number;
  readonly deadtime: number;
  readonly initdead: number;
  readonly lease: number;
  readonly loneLease: number;
  readonly healthDamping: number;
  readonly pingNodes: readonly string[];
  readonly virtualMac: boolean;
}

/** What of a check the calculator needs; a check without an interval never fails by itself. */
export interface TimingCheck {
  readonly type: string;
  readonly interval?: number | undefined;
  readonly failingInterval?: number | undefined;
  readonly timeout?: number | undefined;
  readonly failures?: number | undefined;
  readonly successes?: number | undefined;
}

export interface TimingService {
  readonly label: string;
  readonly check: TimingCheck;
}

export interface TimingRow {
  readonly event:
    | "node-failure"
    | "freeze"
    | "planned"
    | "health"
    | "ping-lost"
    | "restart"
    | "lone-start"
    | "service-failure"
    | "return";
  /** Label of the virtual service; only for `service-failure` and `return`. */
  readonly service?: string;
  /** What happens, for people. */
  readonly what: string;
  /** From the event to the decision, in milliseconds. */
  readonly detection: { readonly bestMs: number; readonly worstMs: number };
  /** From the decision to traffic on the other path, at worst. */
  readonly switchMs: number;
  /** detection.worstMs + switchMs. */
  readonly worstMs: number;
  /** What a client sees meanwhile. */
  readonly clients: string;
}

/** From the decision to take over until the neighbours know: promise 2 of the design. */
export const TAKE_OVER_MS_MAX = 100;
/** Make Active: the old node forwards until the new one is known, so this is a longest gap. */
export const HAND_OVER_MS_MAX = 25;
/** One nft transaction of the changed elements. */
export const POOL_CHANGE_MS_MAX = 100;

/** The new run of a heartbeat adopts what the old one held, or the lease of the restart ends. */
export const RESTART_MS_MAX = 3000;
/** A ping node that answers is asked this often; one that did not answer, at once again. */
export const PING_INTERVAL_MS = 1000;
/** A question that is not answered within this is not answered. */
export const PING_ANSWER_MS = 500;
/** So many questions in a row without an answer, and a ping node is lost. */
export const PING_MISSES = 3;
/** From the death of a ping node until the slower of two nodes must have noticed. */
export const PING_CYCLE_MS = PING_INTERVAL_MS + PING_MISSES * PING_ANSWER_MS;

/**
 * How long ping nodes must make the difference before the role moves, in milliseconds. A router that
 * dies is noticed by the two nodes up to a cycle apart, and said with the next advert: less would move
 * the role to the node that has only not noticed yet.
 */
export const pingDampingMs = ({
  healthDamping,
  keepalive,
}: Pick<TimingSettings, "healthDamping" | "keepalive">): number =>
  Math.max(healthDamping, PING_CYCLE_MS + 2 * keepalive);

/** Beyond the holder's lease, before a claim: its kernel's timers and the datagram's way. */
export const leaseMarginMs = (deadtime: number): number => Math.min(50, Math.max(5, deadtime / 10));

/** The silence after which a living passive node claims: death, and the end of the holder's lease. */
export const silenceToClaim = ({
  deadtime,
  lease,
}: Pick<TimingSettings, "deadtime" | "lease">): number =>
  Math.max(deadtime, lease + leaseMarginMs(deadtime));

function row(fields: Omit<TimingRow, "worstMs">): TimingRow {
  return { ...fields, worstMs: fields.detection.worstMs + fields.switchMs };
}

function failureRows(timing: TimingSettings): TimingRow[] {
  // Silence is counted from the last advert heard, which is up to one keepalive before the failure.
  const worstMs = silenceToClaim(timing);
  const detection = { bestMs: Math.max(0, worstMs - timing.keepalive), worstMs };
  const known = timing.virtualMac
    ? "the switch sends them to the other node as soon as it sees the dead port"
    : "open connections wait and go on; a new one repeats its SYN after 1 s";
  return [
    row({
      event: "node-failure",
      what: "the active node dies (power, kernel, both networks)",
      detection,
      switchMs: TAKE_OVER_MS_MAX,
      clients: known,
    }),
    row({
      event: "freeze",
      what: "its heartbeat daemon is killed or frozen",
      detection,
      switchMs: TAKE_OVER_MS_MAX,
      clients: `the kernel goes on forwarding; the address is silent in ARP from ${timing.lease} ms on`,
    }),
  ];
}

function healthRows(timing: TimingSettings): TimingRow[] {
  const { keepalive, healthDamping, pingNodes } = timing;
  // The other node says its health with its next advert, and the role is judged each keepalive.
  const judged = healthDamping + keepalive;
  const clients = "what the fault itself costs; the hand-over costs nothing";
  const damped = pingDampingMs(timing);
  const raised = `healthDamping counts as ${formatDuration(damped)} here, so that both nodes have had the time to notice`;
  const pings: TimingRow[] =
    pingNodes.length === 0
      ? []
      : [
          row({
            event: "ping-lost",
            what: "the active node alone reaches a ping node no more",
            detection: {
              bestMs: PING_MISSES * PING_ANSWER_MS + damped,
              worstMs: PING_CYCLE_MS + damped + keepalive,
            },
            switchMs: HAND_OVER_MS_MAX,
            clients: damped > healthDamping ? `${clients}; ${raised}` : clients,
          }),
        ];
  return [
    row({
      event: "health",
      what: "the active node alone loses a link of the floating IPs",
      detection: { bestMs: healthDamping, worstMs: judged + keepalive },
      switchMs: HAND_OVER_MS_MAX,
      clients,
    }),
    ...pings,
  ];
}

function nodeRows(timing: TimingSettings): TimingRow[] {
  return [
    ...failureRows(timing),
    ...healthRows(timing),
    row({
      event: "planned",
      what: "make-active, stop, shutdown, reboot",
      detection: { bestMs: 0, worstMs: 0 },
      switchMs: HAND_OVER_MS_MAX,
      clients: "nothing: the old node forwards until the neighbours know the new one",
    }),
    row({
      event: "restart",
      what: "restart heartbeat, and its next run does not come",
      detection: {
        bestMs: Math.max(timing.deadtime, RESTART_MS_MAX),
        worstMs: Math.max(timing.deadtime, RESTART_MS_MAX + leaseMarginMs(timing.deadtime)),
      },
      switchMs: TAKE_OVER_MS_MAX,
      clients: "nothing where the next run comes: it adopts the addresses, none moves",
    }),
    row({
      event: "lone-start",
      what: "a node starts and hears no peer",
      detection: { bestMs: timing.initdead, worstMs: timing.initdead },
      switchMs: TAKE_OVER_MS_MAX,
      clients: "no service until then",
    }),
  ];
}

function serviceRows(service: TimingService): TimingRow[] {
  const { interval, timeout, failures, successes } = service.check;
  if (interval === undefined || timeout === undefined || failures === undefined) return [];
  const back = successes ?? 1;
  // Starts are one interval apart whatever a check lasts; the outage may begin just after one. The
  // intervals that follow a failed check are its own, and those that follow a passed one are not.
  const failing = service.check.failingInterval ?? interval;
  return [
    row({
      event: "service-failure",
      service: service.label,
      what: `a server of ${service.label} stops answering`,
      detection: {
        bestMs: failing * (failures - 1),
        worstMs: interval + failing * (failures - 1) + timeout,
      },
      switchMs: POOL_CHANGE_MS_MAX,
      clients: "errors from the dead server until then; `lbpair halt` does it at once",
    }),
    row({
      event: "return",
      service: service.label,
      what: `a server of ${service.label} answers again`,
      detection: {
        bestMs: interval * (back - 1),
        worstMs: failing + interval * (back - 1) + timeout,
      },
      switchMs: POOL_CHANGE_MS_MAX,
      clients: "nothing: open connections stay where they are",
    }),
  ];
}

/** Worst cases of everything that moves traffic, the node's first, then two rows per service. */
export function timingTable(
  timing: TimingSettings,
  services: readonly TimingService[],
): TimingRow[] {
  return [...nodeRows(timing), ...services.flatMap(serviceRows)];
}
