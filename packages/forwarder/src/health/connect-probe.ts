// connect-probe.ts — the ports of the service, or as many as are needed, have to accept a TCP connection on the server.
import { connect } from "node:net";
import { describeDuration, listPorts, type PortsSeen } from "@lbpair/common";
import { simpleProbe } from "./probe.js";
import { serverPorts } from "./question.js";
import { describeError, isOwnTrouble } from "./socket-words.js";

/** Connections opened at once by one check. */
export const CONNECTIONS_AT_ONCE_MAX = 256;
/** Ports named in a reason; the rest is counted. */
const PORTS_NAMED_MAX = 16;

const TIMED_OUT = "no answer";
const NO_ROOM = "not asked: this node has no room for more connections";

/** Undefined where the port accepted; else what happened. `enders` can end it early. */
export function tryPort(
  place: { readonly host: string; readonly port: number; readonly localAddress?: string },
  waitMs: number,
  enders: Set<() => void>,
) {
  return new Promise<string | undefined>((resolve) => {
    const socket = connect({ ...place, noDelay: true });
    const finish = (word: string | undefined) => {
      clearTimeout(timer);
      enders.delete(end);
      socket.destroy();
      resolve(word);
    };
    const end = () => finish("ended");
    enders.add(end);
    // A late timer runs before the answer that waits behind it: let that in first.
    const timer = setTimeout(() => setImmediate(() => finish(TIMED_OUT)), Math.max(0, waitMs));
    socket.once("connect", () => finish(undefined));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      finish(isOwnTrouble(error) ? NO_ROOM : describeError(error));
    });
  });
}

/** `12300 12301 refused, 12800 no answer`. */
export function describeFailures(failures: ReadonlyMap<number, string>): string {
  const byWord = new Map<string, number[]>();
  for (const [port, word] of failures) byWord.set(word, [...(byWord.get(word) ?? []), port]);
  return [...byWord]
    .map(([word, ports]) => {
      const named = ports
        .sort((a, b) => a - b)
        .slice(0, PORTS_NAMED_MAX)
        .join(" ");
      const more = ports.length - PORTS_NAMED_MAX;
      return `${named}${more > 0 ? ` and ${more} more` : ""} ${word}`;
    })
    .join(", ");
}

/** Closed ports of one server that status tells one by one. */
export const CLOSED_PORTS_MAX = 64;

const portsSeen = (total: number, failures: ReadonlyMap<number, string>): PortsSeen => ({
  total,
  closed: [...failures]
    .sort(([a], [b]) => a - b)
    .slice(0, CLOSED_PORTS_MAX)
    .map(([port, what]) => ({ port, what })),
});

function describeSuccess(ports: readonly number[], failures: ReadonlyMap<number, string>): string {
  const { length } = ports;
  if (failures.size > 0) {
    return `${length - failures.size} of ${length} ports accept, closed: ${describeFailures(failures)}`;
  }
  return length === 1 ? `port ${ports[0]} accepts` : `all ${length} ports accept`;
}

export const connectProbe = simpleProbe(async (target, { signal, source }) => {
  const { check } = target;
  if (check.type !== "connect")
    return { passed: false, reason: `${check.type} connects to nothing` };
  const deadline = performance.now() + check.timeout;
  const ports = listPorts(serverPorts(target));
  const from = source === undefined ? {} : { localAddress: source };
  const waiting = ports.values();
  const failures = new Map<number, string>();
  const enders = new Set<() => void>();
  const endAll = () => {
    for (const end of enders) end();
  };
  signal.addEventListener("abort", endAll, { once: true });
  const work = async () => {
    for (const port of waiting) {
      const left = signal.aborted ? 0 : deadline - performance.now();
      const place = { ...from, host: target.address, port };
      const word = left <= 0 ? TIMED_OUT : await tryPort(place, left, enders);
      if (word !== undefined) failures.set(port, word);
    }
  };
  const workers = Math.min(CONNECTIONS_AT_ONCE_MAX, ports.length);
  await Promise.all(Array.from({ length: workers }, work));
  signal.removeEventListener("abort", endAll);
  const seen = portsSeen(ports.length, failures);
  const { needed: policy = "all" } = check;
  const needed = policy === "all" ? ports.length : policy === "any" ? 1 : policy;
  const accepting = ports.length - failures.size;
  // A server whose one port serves every port of the service has no more than that.
  if (accepting >= Math.min(needed, ports.length)) {
    return { passed: true, reason: describeSuccess(ports, failures), ports: seen };
  }
  const words = new Set(failures.values());
  const timedOut = words.has(TIMED_OUT);
  const wait = timedOut ? ` within ${describeDuration(check.timeout)}` : "";
  // A port that did refuse speaks for itself, whatever could not be asked.
  const notAsked = words.size === 1 && words.has(NO_ROOM);
  const short = policy === "all" ? "" : `${accepting} accept, want ${needed}; `;
  const reason = `${short}closed: ${describeFailures(failures)}${wait}`;
  return { passed: false, reason, timedOut, ports: seen, ...(notAsked ? { notAsked } : {}) };
});
