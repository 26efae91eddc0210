// replicator-pair.ts — two appliances' replicators, each in a network namespace with a real sshd, for tests.
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach } from "node:test";
import type { ApplyAnswer } from "@lbpair/common";
import { introduce, makeNamespace } from "./replicator-account.js";
import { Appliance, type ApplianceOptions } from "./replicator-appliance.js";
import { ip, services } from "./replicator-tools.js";

export interface PairOptions {
  readonly a?: ApplianceOptions;
  readonly b?: ApplianceOptions;
}

export interface Pair {
  readonly base: string;
  readonly primary: Appliance;
  readonly secondary: Appliance;
  close(): Promise<void>;
}

type Two = readonly [string, string];

function connectNamespaces([a, b]: Two, options: PairOptions): void {
  const links = [
    ["eth0", "192.168.100"],
    ["eth1", "192.168.200"],
  ] as const;
  for (const [link, network] of links) {
    ip("-n", a, "link", "add", link, "type", "veth", "peer", "name", link, "netns", b);
    for (const [i, namespace] of [a, b].entries()) {
      ip("-n", namespace, "addr", "add", `${network}.${i + 1}/24`, "dev", link);
      ip("-n", namespace, "link", "set", link, "up");
    }
  }
  for (const [namespace, listen] of [
    [a, options.a?.listen],
    [b, options.b?.listen],
  ] as const) {
    if (listen === undefined) continue;
    ip("-n", namespace, "addr", "add", `${listen.address}/24`, "dev", "eth0");
  }
}

async function tearDown(base: string, namespaces: Two, made: readonly Appliance[]): Promise<void> {
  for (const appliance of made) await appliance.close();
  for (const namespace of namespaces) {
    try {
      ip("netns", "del", namespace);
    } catch {
      // It was never made.
    }
    rmSync(join("/etc/netns", namespace), { recursive: true, force: true });
  }
  rmSync(base, { recursive: true, force: true });
}

/** Two appliances with sshd, stand-in daemons and running replicators. */
export async function makePair(options: PairOptions = {}): Promise<Pair> {
  const tag = randomBytes(2).toString("hex");
  // Not under /tmp: sshd refuses keys below a folder that everybody may write.
  const base = mkdtempSync("/run/rep-");
  chmodSync(base, 0o755);
  mkdirSync("/run/sshd", { recursive: true });
  const name = (letter: string) => `lbt-${process.pid}-rep${tag}-${letter}`;
  const namespaces: Two = [name("a"), name("b")];
  const made: Appliance[] = [];
  try {
    for (const [i, letter] of (["a", "b"] as const).entries()) {
      // The account at this node is the one that its peer's appliance.yaml names.
      const account = options[letter === "a" ? "b" : "a"]?.user ?? "lbpair-sync";
      const namespace = name(letter);
      makeNamespace(namespace, account, base);
      made[i] = new Appliance({ base, letter, namespace, options: options[letter] ?? {} });
    }
    connectNamespaces(namespaces, options);
    const [primary, secondary] = made as [Appliance, Appliance];
    await introduce(secondary.paths, primary.paths, options.b?.record);
    await introduce(primary.paths, secondary.paths, options.a?.record);
    for (const appliance of made) {
      await appliance.standIn();
      await appliance.startSshd();
    }
    for (const appliance of made) await appliance.startDaemon();
    return { base, primary, secondary, close: () => tearDown(base, namespaces, made) };
  } catch (error) {
    for (const appliance of made) process.stderr.write(appliance.log);
    await tearDown(base, namespaces, made);
    throw error;
  }
}

export const apply = (appliance: Appliance): Promise<ApplyAnswer> =>
  appliance.control("POST /apply", {}) as Promise<ApplyAnswer>;

/** A pair with revision 1, the reference deployment, in force on both. */
export async function makePairInSync(options: PairOptions = {}): Promise<Pair> {
  const pair = await makePair(options);
  try {
    pair.primary.save(services(100));
    await apply(pair.primary);
    await pair.primary.reaches("in-sync");
    return pair;
  } catch (error) {
    process.stderr.write(pair.primary.log);
    await pair.close();
    throw error;
  }
}

/** Makes the one pair of the test that calls it; it is cleared away when that test ends. */
export function pairOfEachTest(): (options?: PairOptions) => Promise<Pair> {
  let pair: Pair | undefined;
  afterEach(async () => {
    await pair?.close();
    pair = undefined;
  });
  return async (options) => {
    pair = await makePairInSync(options);
    return pair;
  };
}
