// timing-calculator.ts — how long an outage can last at worst, computed from the configuration.

/** Lengths of time in milliseconds, as `heartbeat` in services.yaml has them. */
export interface TimingSettings {
  readonly keepalive: number;
  readonly deadtime: number;
  readonly initdead: number;
  readonly lease: number;
}

/** What of a check the calculator needs; a check without an interval never fails by itself. */
export interface TimingCheck {
  readonly type: string;
  readonly interval?: number | undefined;
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

function row(fields: Omit<TimingRow, "worstMs">): TimingRow {
  return { ...fields, worstMs: fields.detection.worstMs + fields.switchMs };
}

function nodeRows(timing: TimingSettings): TimingRow[] {
  // Silence is counted from the last advert heard, which is up to one keepalive before the failure.
  const detection = {
    bestMs: Math.max(0, timing.deadtime - timing.keepalive),
    worstMs: timing.deadtime,
  };
  return [
    row({
      event: "node-failure",
      what: "the active node dies (power, kernel, both networks)",
      detection,
      switchMs: TAKE_OVER_MS_MAX,
      clients: "open connections wait and go on; a new one repeats its SYN after 1 s",
    }),
    row({
      event: "freeze",
      what: "its heartbeat daemon is killed or frozen",
      detection,
      switchMs: TAKE_OVER_MS_MAX,
      clients: `the kernel goes on forwarding; the address is silent in ARP from ${timing.lease} ms on`,
    }),
    row({
      event: "planned",
      what: "make-active, stop, shutdown, reboot",
      detection: { bestMs: 0, worstMs: 0 },
      switchMs: HAND_OVER_MS_MAX,
      clients: "nothing: the old node forwards until the neighbours know the new one",
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
  // Starts are one interval apart whatever a check lasts; the outage may begin just after one.
  return [
    row({
      event: "service-failure",
      service: service.label,
      what: `a server of ${service.label} stops answering`,
      detection: { bestMs: interval * (failures - 1), worstMs: interval * failures + timeout },
      switchMs: POOL_CHANGE_MS_MAX,
      clients: "errors from the dead server until then; `lbpair halt` does it at once",
    }),
    row({
      event: "return",
      service: service.label,
      what: `a server of ${service.label} answers again`,
      detection: { bestMs: interval * (back - 1), worstMs: interval * back + timeout },
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
