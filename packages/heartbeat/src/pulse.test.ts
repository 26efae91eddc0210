import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "@lbpair/common";
import { Pulse } from "./pulse.js";

test("a beat or a deadline that fails is told, and the next beat comes all the same", async () => {
  const errors: string[] = [];
  let beats = 0;
  const pulse = new Pulse(systemClock, 5, {
    onKeepalive: async () => {
      beats += 1;
      throw new Error("beat");
    },
    onDeadline: async () => {
      throw new Error("deadline");
    },
    onError: (error) => errors.push(String(error)),
  });
  pulse.start();
  pulse.wakeAt(systemClock.now());
  for (let i = 0; i < 100 && (beats < 3 || !errors.includes("Error: deadline")); i += 1) {
    await wait(10);
  }
  pulse.stop();
  assert.ok(beats >= 3, `${beats} beats`);
  assert.ok(errors.includes("Error: deadline") && errors.includes("Error: beat"));
});

test("a deadline that is read late says how late it is", async () => {
  const lates: number[] = [];
  const pulse = new Pulse(systemClock, 1000, {
    onKeepalive: async () => undefined,
    onDeadline: async (lateMs) => void lates.push(lateMs),
    onError: (error) => assert.fail(String(error)),
  });
  pulse.wakeAt(systemClock.now() + 5);
  const until = systemClock.now() + 60;
  while (systemClock.now() < until);
  for (let i = 0; i < 100 && lates.length === 0; i += 1) await wait(5);
  pulse.stop();
  console.log(`late by ${lates[0]} ms`);
  assert.ok((lates[0] ?? 0) >= 50);
});
