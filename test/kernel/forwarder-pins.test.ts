// forwarder-pins.test.ts — connections that the maps no longer describe live through a switch of nodes (F10).
//
// The two forwarders are told what a heartbeat would tell them, and a replicator's road between them is
// played here; test/lab/pins.test.ts has the real ones.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, startClient, startServer } from "./forwarder-clients.js";
import { ForwarderPair, other } from "./forwarder-pair.js";
import {
  createWorld,
  FALLBACK,
  GATEWAY,
  inside,
  notHere,
  PRIMARY,
  pause,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const THIRD = "192.168.100.111";
const EACH = 50;
const RELAY_MS = 100;

let world: World;
let client: Client;
let pair: ForwarderPair;
let relay: NodeJS.Timeout | undefined;

const SERVERS: Readonly<Record<string, string>> = { s1: PRIMARY, s2: FALLBACK, s3: THIRD };

const servicesWith = (servers: readonly string[], scheduler = "weighted-hash"): string =>
  [
    `floatingIps: [ { label: gateway, address: ${GATEWAY} } ]`,
    "virtualServices:",
    "  - label: three",
    `    address: ${VIP}`,
    "    ports: [12200]",
    `    scheduler: ${scheduler}`,
    "    realServers:",
    ...servers.map(
      (label) => `      - { label: ${label}, address: ${SERVERS[label]}, port: 13200 }`,
    ),
    '    check: { type: "on" }',
    "  - label: cluster",
    `    address: ${VIP}`,
    "    ports: [12000]",
    `    realServers: [ { label: primary, address: ${PRIMARY} } ]`,
    `    fallback: { address: ${FALLBACK}, port: 0 }`,
    "    check: { type: connect, interval: 300ms, timeout: 200ms, failures: 2 }",
    "",
  ].join("\n");

const modesOf = (modes: Readonly<Record<string, string>>): string =>
  [
    "serial: 1",
    "modes:",
    ...Object.entries(modes).map(
      ([server, mode]) => `  - { service: three, server: ${server}, mode: ${mode} }`,
    ),
    "",
  ].join("\n");

const configure = (servers: readonly string[], scheduler?: string) =>
  pair.configure(servicesWith(servers, scheduler));

const setModes = (modes: Readonly<Record<string, string>>) =>
  pair.setModes(Object.keys(modes).length === 0 ? "modes: []\n" : modesOf(modes));

const openThem = async (port: number, each = EACH): Promise<string[]> => [
  ...(await client.open("t", VIP, new Array<number>(each).fill(port))),
  ...(await client.open("r", VIP, new Array<number>(each).fill(port))),
];

const coverage = async (label: string) => {
  const { services } = await world[pair.active].status();
  const found = services.find((service) => service.label === label);
  assert.ok(found !== undefined);
  return found.coverage;
};

/** Waits until `status` claims all that is open, and says how many pins the other node has of it. */
async function allCovered(label: string, open: number): Promise<number> {
  await until(`status counts ${open} of ${open} as covered`, async () => {
    const now = await coverage(label);
    if (now.open === open && now.covered === open) return true;
    throw new Error(`${now.covered} of ${now.open}`);
  });
  const { stdout } = await inside(other(pair.active), "nft", "list", "map", "ip", "lbpair", "pins");
  return stdout.match(/expires/g)?.length ?? 0;
}

async function alive(ids: readonly string[]): Promise<number> {
  const earlier = await client.report();
  await pause(400);
  const now = await client.report();
  return ids.filter(
    (id) =>
      now.get(id)?.state === "open" &&
      (now.get(id)?.received ?? 0) > (earlier.get(id)?.received ?? 0),
  ).length;
}

/** An end that crossed other packets leaves an entry that conntrack believes open for a while. */
async function forgetClosed(): Promise<void> {
  await pause(300);
  await inside(pair.active, "conntrack", "-F");
  await until("status counts nothing as open", async () => {
    const { services } = await world[pair.active].status();
    return services.every((service) => service.coverage.open === 0);
  });
}

async function closeAll(ids: readonly string[]): Promise<void> {
  client.order({ do: "end", ids: [...ids] });
  await until("the connections are closed", async () => {
    const reports = await client.report();
    return ids.every((id) => reports.get(id)?.state !== "open");
  });
  await forgetClosed();
}

/** The promise: what is open and counted as covered lives on when the other node takes over. */
async function survives(what: string, label: string, ids: readonly string[]): Promise<void> {
  const pins = await allCovered(label, ids.length);
  await pair.switchNodes();
  const living = await alive(ids);
  console.log(`seen: ${what}: ${living} of ${ids.length} alive, ${pins} of them pinned`);
  assert.equal(living, ids.length);
}

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await inside("primary", "ip", "addr", "add", `${THIRD}/24`, "dev", "eth0");
  pair = new ForwarderPair(world);
  await pair.begin(servicesWith(["s1", "s2", "s3"]));
  relay = setInterval(() => {
    const follow = async () => {
      const { verdicts } = await world[pair.active].status();
      await world[other(pair.active)].ask("POST /verdicts", { verdicts });
    };
    follow().catch(() => undefined);
  }, RELAY_MS);
  await startServer(world, "primary", [13200]);
  await startServer(world, "fallback", [12000, 13200]);
  client = startClient(world);
});
after(async () => {
  clearInterval(relay);
  await pair?.close();
  await world?.close();
});

test("100 of 100 live through a switch after the primary cluster failed and returned", {
  skip,
}, async () => {
  const onFallback = async () =>
    (await world[pair.active].status()).services.find((each) => each.label === "cluster")
      ?.onFallback;
  await until("the cluster's checks have failed", onFallback);
  const ids = await openThem(12000);
  await startServer(world, "primary", [12000]);
  await until("the primary serves again", async () => (await onFallback()) === false);
  await survives("primary failed and returned", "cluster", ids);
  await closeAll(ids);
});

test("100 of 100 live through a switch while one of three servers drains", { skip }, async () => {
  const ids = await openThem(12200);
  await setModes({ s1: "drain" });
  await survives("one of three drains", "three", ids);
  // Back again: the pins that the first switch left on this node are still true.
  await survives("and a second switch", "three", ids);
  await closeAll(ids);
  await setModes({});
});

test("100 of 100 live through a switch after a server was added", { skip }, async () => {
  await configure(["s1", "s2"]);
  const ids = await openThem(12200);
  await configure(["s1", "s2", "s3"]);
  await survives("a server was added", "three", ids);
  await closeAll(ids);
});

test("100 of 100 live through a switch after another server was on halt and came back", {
  skip,
}, async () => {
  await setModes({ s3: "halt" });
  const ids = await openThem(12200);
  await setModes({});
  await survives("halt and online of another", "three", ids);
  await closeAll(ids);
});

test("A, B, A with client ports that pinned connections had used: 100 of 100 live", {
  skip,
}, async () => {
  const ports = Array.from({ length: 2 * EACH }, (_, index) => 31_000 + index);
  const open = () =>
    ports.map((from, index) => client.dial(index % 2 === 0 ? "t" : "r", VIP, 12200, from));
  const greeted = (ids: readonly string[]) =>
    until("every connection is greeted", async () => {
      const reports = await client.report();
      const states = ids.map((id) => reports.get(id)?.state ?? "none");
      if (states.every((state) => state === "open")) return true;
      throw new Error([...new Set(states)].join(", "));
    });
  const first = open();
  await greeted(first);
  await setModes({ s1: "drain" });
  await survives("before the ports are used again", "three", first);
  client.order({ do: "reset", ids: first });
  await forgetClosed();
  const second = open();
  await greeted(second);
  await setModes({});
  await survives("the same ports again", "three", second);
  await survives("and back", "three", second);
  await closeAll(second);
});

test("what goes by turns is covered once the peer has been told, and lives through a switch", {
  skip,
}, async () => {
  for (const scheduler of ["weighted-round-robin", "weighted-least-connections", "source-hash"]) {
    await configure(["s1", "s2", "s3"], scheduler);
    const ids = await openThem(12200, 15);
    await survives(scheduler, "three", ids);
    await closeAll(ids);
  }
});
