// clock.ts — the one place where a program asks what time it is.
import { type Millis, millis } from "./duration.js";

export interface Clock {
  /** Monotonic time; only differences mean anything. */
  now(): Millis;
  /** Wall time, for people only: no decision may depend on it. */
  wall(): Date;
}

export const systemClock: Clock = {
  now: () => millis(Number(process.hrtime.bigint() / 1000n) / 1000),
  wall: () => new Date(),
};
