// virtual-mac-watch.ts — a switch that forgets, datagrams counted that come twice, and frames by a virtual MAC.
import assert from "node:assert/strict";
import { mustRun, runCommand } from "@lbpair/common";
import {
  APPLIANCES,
  type ApplianceName,
  ECHO_PORT,
  type Figures,
  type HostName,
  hostPlan,
  type World,
} from "@lbpair/lab";

/** A stall that nobody notices; what a quiet machine reaches, asserted with slack for a busy one. */
export const STALL_MS = 25;
export const SLACK = 8;
export const TIMINGS = {
  keepalive: "100ms",
  warntime: "200ms",
  deadtime: "300ms",
  initdead: "31s",
  lease: "250ms",
  loneLease: "30s",
  autoFailback: false,
};

const TABLE = "lbpair_test_twice";
const BRIDGES = ["br-front", "br-back"] as const;

/** Flushes what the two switches have learnt, every `everyMs`; answers how often it did. */
export function floodSwitch(world: World, everyMs: number): { stop(): Promise<number> } {
  const argv = ["ip", "-n", world.namespace("switch"), "-batch", "-"];
  const input = `${BRIDGES.map((name) => `link set ${name} type bridge fdb_flush`).join("\n")}\n`;
  let times = 0;
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => mustRun(runCommand, argv, { input }))
      // The lab may be gone already where a test failed; a round less does no harm.
      .then(
        () => {
          times += 1;
        },
        () => undefined,
      );
  }, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await running;
      return times;
    },
  };
}

const nft = (world: World, host: HostName, script: string) =>
  mustRun(runCommand, ["ip", "netns", "exec", world.namespace(host), "nft", "-f", "-"], {
    input: script,
  });

async function packets(world: World, host: HostName, counter: string): Promise<number> {
  const { stdout } = await world.exec(host, ["nft", "list", "counter", "ip", TABLE, counter]);
  return Number(/packets (\d+)/.exec(stdout)?.[1] ?? Number.NaN);
}

/** Frames that the nodes' gates have refused because they were flooded. */
async function refusedBy(world: World): Promise<number> {
  const counts = await Promise.all(
    APPLIANCES.map(async (name) => {
      const { stdout } = await world.exec(name, [
        "nft",
        "list",
        "chain",
        "netdev",
        "lbpair_gate",
        "arrival",
      ]);
      return Number(/packets (\d+) bytes \d+ drop/.exec(stdout)?.[1] ?? 0);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Counts, at the server and at the client, echo datagrams and those among them that came before. */
export async function countTwice(world: World) {
  const ends = [
    { host: "primary", match: `udp dport ${ECHO_PORT}` },
    { host: "client", match: `udp sport ${ECHO_PORT}` },
  ] as const;
  for (const { host, match } of ends) {
    // The number of a datagram is its first four bytes; a probe never uses one again.
    const script = [
      `table ip ${TABLE} {`,
      " counter seen { }",
      " counter twice { }",
      " set numbers { typeof @th,64,32; flags dynamic; size 1048576; }",
      " chain arrived { type filter hook prerouting priority -400;",
      `  ${match} counter name seen`,
      `  ${match} @th,64,32 @numbers counter name twice`,
      `  ${match} add @numbers { @th,64,32 }`,
      " }",
      "}",
    ];
    await nft(world, host, script.join("\n"));
  }
  const refusedBefore = await refusedBy(world);
  return {
    async stop() {
      let seen = 0;
      let doubled = 0;
      for (const { host } of ends) {
        seen += await packets(world, host, "seen");
        doubled += await packets(world, host, "twice");
        await nft(world, host, `delete table ip ${TABLE}\n`);
      }
      return { seen, doubled, refused: (await refusedBy(world)) - refusedBefore };
    },
  };
}

/** Counts the frames that come out of a node's cables with one of these MACs as their source. */
export async function hearVirtual(world: World, name: ApplianceName, macs: readonly string[]) {
  const ports = hostPlan(name).cables.map(({ port }) => port);
  const hooks = ports.map(
    (port, i) =>
      ` chain c${i} { type filter hook ingress device "${port}" priority -500; ether saddr { ${macs.join(", ")} } counter name heard; }`,
  );
  await nft(
    world,
    "switch",
    `table netdev ${TABLE} {\n counter heard { }\n${hooks.join("\n")}\n}\n`,
  );
  return {
    async stop(): Promise<number> {
      const { stdout } = await world.exec("switch", [
        "nft",
        "list",
        "counter",
        "netdev",
        TABLE,
        "heard",
      ]);
      await nft(world, "switch", `delete table netdev ${TABLE}\n`);
      return Number(/packets (\d+)/.exec(stdout)?.[1] ?? Number.NaN);
    },
  };
}

/** Where a host thinks that a floating IP is. */
export async function learnt(world: World, host: HostName, address: string): Promise<string> {
  const { stdout } = await world.exec(host, ["ip", "neigh", "show", address]);
  return /lladdr (\S+)/.exec(stdout)?.[1] ?? "nobody";
}

/** Device and MAC of the virtual MACs of a node, by the link underneath. */
export async function virtualOf(world: World, name: ApplianceName): Promise<Map<string, string>> {
  const { stdout } = await world.exec(name, ["ip", "-j", "link", "show", "type", "macvlan"]);
  const links = JSON.parse(stdout || "[]") as { link: string; address: string }[];
  return new Map(links.map(({ link, address }) => [link, address]));
}

/** One fault's figures on one line; connections must live and no datagram come twice. */
export function judge(what: string, figures: Figures): void {
  const { open, datagrams } = figures;
  const stalls = open.connections.map(({ stallMs }) => stallMs).sort((a, b) => a - b);
  const at = (share: number) => stalls[Math.floor((stalls.length - 1) * share)]?.toFixed(0);
  console.log(
    `${what}: longest stall ${open.longestStallMs.toFixed(1)} ms (median ${at(0.5)}, p90 ${at(0.9)}), ` +
      `UDP out ${datagrams.outageMs.toFixed(0)} ms, ${datagrams.lost} lost, ${datagrams.duplicates} twice, ` +
      `the client itself late by ${datagrams.latenessMaxMs.toFixed(0)} ms at most`,
  );
  assert.deepEqual(open.reasons, {}, `${open.alive} of ${open.total} live`);
  assert.equal(datagrams.duplicates, 0);
}
