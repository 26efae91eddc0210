// flow-keeper.test.ts — promises of flow-keeper.ts, with recorded commands in place of the kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionTable } from "./conntrack.js";
import { distribute } from "./distribution.js";
import type { Flow } from "./flow.js";
import { createFlowKeeper } from "./flow-keeper.js";
import type { NftTable } from "./nft.js";
import { server, service, verdicts } from "./testing/services.js";

const VIP = "192.168.200.100";
const a = server("a").address;

const flow = (vipPort: number): Flow => ({
  protocol: "tcp",
  client: "192.168.200.50",
  clientPort: 40_000 + vipPort,
  vip: VIP,
  vipPort,
  server: a,
  serverPort: vipPort,
  begunBy: "client",
  state: "ESTABLISHED",
  secondsLeft: 431_999,
});

function keeper(flows: readonly Flow[], add: NftTable["add"] = () => Promise.resolve()) {
  const seen: string[] = [];
  const never = () => Promise.reject(new Error("not asked for here"));
  const connections: ConnectionTable = {
    list: () => Promise.resolve([...flows]),
    listServer: never,
    deleteServer: async (from, vip, protocol, ports) => {
      const which = ports === undefined ? "*" : `${ports.vipPort}>${ports.serverPort}`;
      seen.push(`${protocol} ${from} ${vip} ${which}`);
    },
    deleteClient: async () => undefined,
    deleteVip: async (vip) => {
      seen.push(`vip ${vip}`);
    },
    deleteUntranslated: never,
  };
  const nft: NftTable = {
    list: never,
    listRules: never,
    knows: () => true,
    load: never,
    change: never,
    listSet: never,
    add,
    isOwn: () => true,
  };
  const events: string[] = [];
  const flowsOf = createFlowKeeper({
    family: 4,
    nft,
    connections,
    pins: { keep: (_, list) => list(), lookAgain: () => undefined },
    provoker: { provoke: () => Promise.resolve() },
    event: (_, event) => {
      events.push(event);
    },
  });
  return { flows: flowsOf, seen, events };
}

const web = (mode: "halt" | "online") => service([server("a", { mode }), server("b")]);
const shop = service([server("a", { id: "shop/a", mode: "drain" }), server("b")], {
  label: "shop",
  ports: [443],
});

test("a halt in one service leaves another's entries of the same server and VIP alone", async () => {
  const { flows, seen } = keeper([flow(80), flow(443)]);
  await flows.endStrays(distribute([web("halt"), shop], verdicts([])), null);
  console.log("seen:", seen.join("; "));
  assert.deepEqual(seen, [`tcp ${a} ${VIP} 80>80`]);
});

test("where nothing else shares server and VIP, one deletion ends all ports", async () => {
  const both = service([server("a", { mode: "halt" }), server("b")], { ports: [80, 443] });
  const { flows, seen } = keeper([flow(80), flow(443)]);
  await flows.endStrays(distribute([both], verdicts([])), null);
  assert.deepEqual(seen, [`tcp ${a} ${VIP} *`]);
});

test("a UDP flow that its server's late answer began again is freed at the next look", async () => {
  const udp = service([server("a"), server("b")], { protocol: "udp", protocols: ["udp"] });
  const begun = { ...flow(80), protocol: "udp", begunBy: "server", state: "" } as const;
  const { flows, seen } = keeper([begun]);
  await flows.pin(distribute([udp], verdicts(["web/a"])));
  assert.deepEqual(seen, [`udp ${a} ${VIP} *`]);
});

test("a full set of cuts is told, and the entries go all the same", async () => {
  const { flows, seen, events } = keeper([flow(80)], () =>
    Promise.reject(new Error("set is full")),
  );
  await flows.endStrays(distribute([web("halt")], verdicts([])), null);
  console.log("seen:", events.join(" "), seen.join("; "));
  assert.deepEqual(seen, [`tcp ${a} ${VIP} *`]);
  assert.deepEqual(events, ["cuts-refused", "connections-cut"]);
});

test("forgetting deletes the addresses in use, and stops when the node is active again", async () => {
  const elsewhere = { ...flow(443), vip: "192.168.200.101" };
  const both = distribute(
    [
      web("online"),
      { ...shop, address: elsewhere.vip },
      { ...shop, label: "idle", address: "::1" },
    ],
    verdicts([]),
  );
  const passive = keeper([flow(80), elsewhere]);
  await passive.flows.forget(both, "a test", () => true);
  assert.deepEqual(passive.seen, [`vip ${VIP}`, `vip ${elsewhere.vip}`]);
  const turning = keeper([flow(80), elsewhere]);
  await turning.flows.forget(both, "a test", () => turning.seen.length === 0);
  console.log("seen:", turning.seen.join("; "), turning.events.join(" "));
  assert.deepEqual(turning.seen, [`vip ${VIP}`]);
  assert.deepEqual(turning.events, []);
});
