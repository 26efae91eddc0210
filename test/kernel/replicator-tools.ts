// replicator-tools.ts — small things that the replicator's kernel tests share.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Why these tests cannot run here; undefined where they can. */
export function unsupported(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root: network namespaces and sshd";
  for (const command of ["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen"]) {
    if (!existsSync(command)) return `needs ${command}`;
  }
  try {
    execFileSync("ip", ["netns", "list"]);
    return undefined;
  } catch {
    return "needs ip netns";
  }
}

/** For `describe`: runs, or skips loudly with the reason. */
export function orSkip(file: string): { readonly skip?: string } {
  const skip = unsupported();
  if (skip === undefined) return {};
  console.log(`SKIPPED ${file}: ${skip}`);
  return { skip };
}

export const ip = (...argv: string[]): string => execFileSync("ip", argv, { encoding: "utf8" });

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for something to become true; fails with the last value seen. */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  right: (value: T) => boolean,
  msMax = 20_000,
): Promise<T> {
  const end = performance.now() + msMax;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const value = await ask();
      if (right(value)) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await pause(25);
  }
  return assert.fail(`${what}: not within ${msMax} ms; last seen: ${JSON.stringify(last)} ${last}`);
}

/** Kills processes of this test, by id; one that has ended meanwhile is as good. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      if (pid > 1) process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

/** Processes in a network namespace, oldest first; none where it is gone. */
export function pidsIn(namespace: string): number[] {
  try {
    return ip("netns", "pids", namespace)
      .split("\n")
      .filter((line) => line !== "")
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

/** services.yaml of the reference deployment, with a few things to vary. */
export const services = (
  weight = 100,
  vip = "192.168.200.100",
  label = "VNA",
): string => `# the reference deployment
floatingIps:
  - { label: gateway, address: 192.168.100.254 }
virtualServices:
  - label: ${label}
    address: ${vip}
    ports: [12000, 12100, 12200, 12300-12301, 12800, 12950]
    realServers:
      - { label: PrimaryCluster, address: 192.168.100.110, weight: ${weight} }
    fallback: { address: 192.168.100.120, port: 0 }
    check: { type: external, script: IBM-WHI, interval: 30s, timeout: 10s, failures: 10 }
`;
