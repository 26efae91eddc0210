// bodies.ts — what the heartbeat posts to the forwarder, parsed at the door.
import {
  type Condition,
  type Problem,
  RefusalError,
  showValue,
  type Verdicts,
} from "@lbpair/common";

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
