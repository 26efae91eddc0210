// dealt-health.ts — the health engine of the model test: what a server's checks found is what the dice say.
import { createHash } from "node:crypto";
import type { Verdicts } from "@lbpair/common";
import type { CheckTarget, HealthEngine } from "@lbpair/forwarder";
import type { Health } from "./setup.js";

export interface DealtHealth {
  /** For the daemon, in place of its own checks. */
  readonly createEngine: () => HealthEngine;
  /** From now on checks have found this; the daemon that runs is told. */
  set(health: ReadonlyMap<string, Health>): void;
}

export function createDealtHealth(): DealtHealth {
  let dealt: ReadonlyMap<string, Health> = new Map();
  let tell: () => void = () => undefined;
  let serial = 0;
  const createEngine = (): HealthEngine => {
    let targets: readonly CheckTarget[] = [];
    const listed = (wanted: Health): string[] =>
      targets.map(({ id }) => id).filter((id) => (dealt.get(id) ?? "unknown") === wanted);
    const followed = (): Verdicts => {
      const lists = { unhealthy: listed("unhealthy"), unknown: listed("unknown") };
      serial += 1;
      const hash = createHash("sha256").update(JSON.stringify(lists)).digest("hex").slice(0, 16);
      return { serial, hash, ...lists };
    };
    return {
      start: () => undefined,
      update(now) {
        targets = now;
      },
      targets: () => targets,
      results: () => [],
      own: () => new Map(),
      followed: () => ({ ...followed(), source: "own" }),
      setCondition: () => undefined,
      followActive: () => undefined,
      onChange(listener) {
        tell = listener;
      },
      tryOut: () => Promise.resolve([]),
      async stop() {
        tell = () => undefined;
      },
    };
  };
  return {
    createEngine,
    set(health) {
      dealt = health;
      tell();
    },
  };
}
