// bodies.ts — what the heartbeat posts to the forwarder, parsed at the door.
import {
  type Condition,
  normalAddress,
  PERSISTENCE_TIMEOUTS,
  type Problem,
  RefusalError,
  showValue,
  type Verdicts,
} from "@lbpair/common";

import type { Persisted } from "./persistence.js";
import { PERSISTED_MAX } from "./persistence-rules.js";
import type { Told } from "./pin-carrier.js";
import type { Pin } from "./pins.js";
import { PINS_MAX } from "./rules.js";

export interface ConditionOrder {
  readonly condition: Condition;
  readonly peerAlive: boolean;
}

const HASH_CHARACTERS_MAX = 64;

type Fields = Readonly<Record<string, unknown>>;

const wrong = (path: string, want: string, got: unknown): Problem => ({
  code: "wrong-value",
  path,
  want,
  got: showValue(got),
});

const fieldsOf = (body: unknown): Fields =>
  typeof body === "object" && body !== null ? (body as Fields) : {};

function refuseUnlessEmpty(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new RefusalError(400, "the request is malformed", problems);
}

/** `{condition, peerAlive}`; throws RefusalError with every problem. */
export function parseConditionOrder(body: unknown): ConditionOrder {
  const { condition, peerAlive } = fieldsOf(body);
  const problems: Problem[] = [];
  const known = condition === "active" || condition === "passive";
  if (!known) problems.push(wrong("condition", "active or passive", condition));
  if (typeof peerAlive !== "boolean") problems.push(wrong("peerAlive", "true or false", peerAlive));
  refuseUnlessEmpty(problems);
  return { condition: condition as Condition, peerAlive: peerAlive as boolean };
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

/** `{verdicts}`; throws RefusalError with every problem. */
export function parseVerdictsOrder(body: unknown): Verdicts {
  const { serial, hash, unhealthy, unknown } = fieldsOf(fieldsOf(body).verdicts);
  const problems: Problem[] = [];
  // They are remembered on disk, where a number below 0 or a long text makes the file unreadable.
  if (!Number.isSafeInteger(serial) || (serial as number) < 0) {
    problems.push(wrong("verdicts.serial", "a whole number from 0", serial));
  }
  if (typeof hash !== "string" || hash.length > HASH_CHARACTERS_MAX) {
    problems.push(wrong("verdicts.hash", "a hash", hash));
  }
  if (!isStrings(unhealthy)) {
    problems.push(wrong("verdicts.unhealthy", "a list of server ids", unhealthy));
  }
  if (!isStrings(unknown))
    problems.push(wrong("verdicts.unknown", "a list of server ids", unknown));
  refuseUnlessEmpty(problems);
  return {
    serial: serial as number,
    hash: hash as string,
    unhealthy: unhealthy as string[],
    unknown: unknown as string[],
  };
}

const isWhole = (value: unknown, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= most;

const HIGHEST_PORT = 65_535;
/** Longer than any connection's silence that Linux allows by default, five days. */
export const PIN_SECONDS_MAX = 30 * 86_400;

function readPin(server: string, raw: unknown): Pin | undefined {
  const [client, clientPort, vipPort, seconds] = Array.isArray(raw) ? (raw as unknown[]) : [];
  if (typeof client !== "string" || normalAddress(client) !== client) return undefined;
  if (!isWhole(clientPort, HIGHEST_PORT) || !isWhole(vipPort, HIGHEST_PORT)) return undefined;
  return isWhole(seconds, PIN_SECONDS_MAX)
    ? { server, client, clientPort, vipPort, seconds }
    : undefined;
}

/** Members of `{server, LIST}` groups, each read by `read`; what is of another form is a problem. */
function readGroups<T>(
  groups: unknown,
  [name, list]: readonly [string, string],
  read: (server: string, raw: unknown) => T | undefined,
  want: string,
  most: number,
): { readonly found: readonly T[]; readonly problems: readonly Problem[] } {
  const found: T[] = [];
  if (!Array.isArray(groups)) {
    return { found, problems: [wrong(name, "a list of groups", groups)] };
  }
  for (const group of groups as unknown[]) {
    const { server, [list]: members } = fieldsOf(group);
    if (typeof server !== "string" || !Array.isArray(members)) {
      return { found, problems: [wrong(`${name}[]`, `a server and its ${list}`, group)] };
    }
    for (const raw of members as unknown[]) {
      const one = read(server, raw);
      if (one === undefined || found.length >= most) {
        return {
          found,
          problems: [wrong(`${name}[].${list}[]`, `at most ${most} of ${want}`, raw)],
        };
      }
      found.push(one);
    }
  }
  return { found, problems: [] };
}

function readPersisted(server: string, raw: unknown): Persisted | undefined {
  const [client, seconds] = Array.isArray(raw) ? (raw as unknown[]) : [];
  if (typeof client !== "string" || normalAddress(client) !== client) return undefined;
  return isWhole(seconds, PERSISTENCE_TIMEOUTS["24h"]) ? { server, client, seconds } : undefined;
}

/**
 * `{pins, persisted}`, grouped by server; they become nft's text, so not one of another form is let in.
 * An older release on the peer says nothing of persistence.
 */
export function parsePinsOrder(body: unknown): Told {
  const order = fieldsOf(body);
  const pins = readGroups(
    order.pins,
    ["pins", "flows"],
    readPin,
    "[client, client port, VIP port, seconds]",
    PINS_MAX,
  );
  const persisted = readGroups(
    order.persisted ?? [],
    ["persisted", "clients"],
    readPersisted,
    "[client, seconds]",
    PERSISTED_MAX,
  );
  refuseUnlessEmpty([...pins.problems, ...persisted.problems]);
  return { pins: pins.found, persisted: persisted.found };
}
