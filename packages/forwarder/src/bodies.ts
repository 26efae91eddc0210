// bodies.ts — what the heartbeat posts to the forwarder, parsed at the door.
import {
  type Condition,
  normalAddress,
  type Problem,
  RefusalError,
  showValue,
  type Verdicts,
} from "@lbpair/common";

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

/** `{pins}`, grouped by server; they become nft's text, so not one of another form is let in. */
export function parsePinsOrder(body: unknown): Pin[] {
  const { pins: groups } = fieldsOf(body);
  const pins: Pin[] = [];
  const problems: Problem[] = [];
  if (!Array.isArray(groups)) problems.push(wrong("pins", "a list of groups", groups));
  for (const group of Array.isArray(groups) ? (groups as unknown[]) : []) {
    const { server, flows } = fieldsOf(group);
    if (typeof server !== "string" || !Array.isArray(flows)) {
      problems.push(wrong("pins[]", "a server and its connections", group));
      break;
    }
    for (const raw of flows as unknown[]) {
      const pin = readPin(server, raw);
      if (pin === undefined || pins.length >= PINS_MAX) {
        const want = `at most ${PINS_MAX} of [client, client port, VIP port, seconds]`;
        problems.push(wrong("pins[].flows[]", want, raw));
        break;
      }
      pins.push(pin);
    }
  }
  refuseUnlessEmpty(problems);
  return pins;
}
