// forwarder-daemon.test.ts — what the daemon's own life and other people's commands do to the kernel.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { type EventRecord, RefusalError } from "@lbpair/common";
import { type Client, startClient, startServer } from "./forwarder-clients.js";
import {
  createWorld,
  FALLBACK,
  inside,
  namespaceOf,
  notHere,
  pause,
  referenceServices,
  tryInside,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const REPAIR_MS = 100;
/** The machine may be busy with other things; the promise itself is printed beside what was seen. */
const SLACK = 5;
let world: World;
let client: Client;
let talkers: string[];

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await world.a.write(referenceServices());
  await world.a.start();
  await startServer(world, "primary", [12000]);
  await startServer(world, "fallback", [12000]);
  client = startClient(world);
  const ports = new Array<number>(20).fill(12000);
  talkers = [...(await client.open("t", VIP, ports)), ...(await client.open("r", VIP, ports))];
});
after(() => world?.close());

const watchKernel = (): { readonly lines: string[]; readonly child: ChildProcess } => {
  const lines: string[] = [];
  const child = world.spawn("a", ["nft", "monitor"]);
  child.stdout?.on("data", (chunk: Buffer) => lines.push(...chunk.toString().trim().split("\n")));
  return { lines, child };
};

const allTalk = async (): Promise<void> => {
  const was = await client.report();
  await pause(300);
  const is = await client.report();
  const alive = talkers.filter(
    (id) =>
      is.get(id)?.state === "open" && (is.get(id)?.received ?? 0) > (was.get(id)?.received ?? 0),
  );
  const worst = Math.max(...talkers.map((id) => is.get(id)?.gapMs ?? 0));
  console.log(
    `seen: ${alive.length} of ${talkers.length} talk, longest silence so far ${worst.toFixed(0)} ms`,
  );
  assert.equal(alive.length, talkers.length);
};

test("killing, stopping and restarting the daemon changes nothing in the kernel and no flow", {
  skip,
}, async () => {
  const monitor = watchKernel();
  const monitors = async () =>
    (await inside("a", "ip", "netns", "pids", namespaceOf("a"))).stdout.trim().split("\n").length;
  // Its own monitor is there as well.
  await pause(200);
  const processes = await monitors();
  for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
    await world.a.end(signal);
    await pause(200);
    await world.a.start();
  }
  const { pid } = await world.a.status();
  await world.a.ask("POST /reload");
  await world.a.ask("POST /restart");
  await until("the daemon left", () => !existsSync(`/proc/${pid}`));
  await world.a.start();
  await pause(200);
  assert.equal(monitor.lines.join("\n"), "");
  await until("no process of a dead daemon is left", async () => (await monitors()) <= processes);
  // The control: the same monitor does see a change that is made.
  await world.a.writeModes("modes: [ { service: VNA, server: PrimaryCluster, mode: drain } ]\n");
  await world.a.ask("POST /reload");
  await until("the monitor sees the change", () => monitor.lines.length > 0);
  console.log(`seen: no line for five starts, ${monitor.lines.length} for one drained server:`);
  console.log(monitor.lines.join("\n"));
  const generations = monitor.lines.filter((line) => line.startsWith("# new generation"));
  assert.equal(generations.length, 1);
  await world.a.writeModes("");
  await world.a.ask("POST /reload");
  monitor.child.kill();
  await allTalk();
});

test("counts do not go back when the daemon is killed or elements change", { skip }, async () => {
  const connections = async () =>
    (await world.a.status()).services[0]?.servers[0]?.connections ?? 0;
  const was = await connections();
  assert.ok(was >= talkers.length, `${was}`);
  // A moved element's count is on disk a fifth of a second later.
  await pause(500);
  await world.a.end("SIGKILL");
  await world.a.start();
  assert.equal(await connections(), was);
});

test("a ruleset flushed under load is back within 100 ms, counted and told", { skip }, async () => {
  const load = setInterval(() => client.dial("t", VIP, 12000), 5);
  try {
    const tooks: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const { repairs } = (await world.a.status()).table;
      const monitor = watchKernel();
      await pause(100);
      const began = performance.now();
      await inside("a", "nft", "flush", "ruleset");
      await until("the table is back", async () =>
        (await tryInside("a", "nft", "list", "map", "ip", "lbpair", "services")).stdout.includes(
          "12000",
        ),
      );
      tooks.push(performance.now() - began);
      const status = await until("the repair is counted", async () => {
        const now = (await world.a.status()).table;
        return now.repairs > repairs ? now : undefined;
      });
      console.log(
        `seen: round ${round}: daemon says ${status.lastRepairMs} ms, from outside ${tooks.at(-1)?.toFixed(0)} ms with three commands' own time`,
      );
      assert.ok((status.lastRepairMs ?? Number.POSITIVE_INFINITY) <= REPAIR_MS * SLACK);
      const told = ((await world.a.ask("GET /events")) as EventRecord[]).slice(-3);
      assert.ok(status.repairs >= repairs + 1);
      if (status.repairs > repairs + 1) console.log("seen: counted more than once:", told);
      monitor.child.kill();
    }
    assert.ok(Math.min(...tooks) <= REPAIR_MS * SLACK, tooks.join());
  } finally {
    clearInterval(load);
  }
  const events = (await world.a.ask("GET /events")) as EventRecord[];
  assert.ok(events.some((each) => each.event === "table-restored" && each.level === "alarm"));
  const reports = await client.report();
  const alive = talkers.filter((id) => reports.get(id)?.state === "open").length;
  console.log(`seen: ${alive} of ${talkers.length} busy connections outlived five flushes`);
  await client.open("t", VIP, [12000]);
});

test("a rule or an element changed by somebody else is put right", { skip }, async () => {
  // Our own load is still fresh: its echo must not hide what others do, nor be taken for it.
  const { repairs } = (await world.a.status()).table;
  await inside(
    "a",
    "nft",
    "delete",
    "element",
    "ip",
    "lbpair",
    "services",
    `{ ${VIP} . tcp . 12000 }`,
  );
  await until("the element is back", async () =>
    (await inside("a", "nft", "list", "map", "ip", "lbpair", "services")).stdout.includes(
      "tcp . 12000",
    ),
  );
  await inside("a", "nft", "flush", "chain", "ip", "lbpair", "guard");
  await until("the rule is back", async () =>
    (await inside("a", "nft", "list", "chain", "ip", "lbpair", "guard")).stdout.includes(
      "floating_ip",
    ),
  );
  const now = await until("both repairs are counted", async () => {
    const count = (await world.a.status()).table.repairs;
    return count >= repairs + 2 ? count : undefined;
  });
  console.log("seen: repairs", repairs, "→", now);
});

test("a configuration that cannot be used leaves the old one in force and lists its problems", {
  skip,
}, async () => {
  const list = async () => (await inside("a", "nft", "-s", "list", "table", "ip", "lbpair")).stdout;
  const before = await list();
  await world.a.write(referenceServices({ ports: "[0, 70000]", fallback: "{ adress: x }" }));
  const refusal = await world.a.ask("POST /reload").then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(refusal instanceof RefusalError);
  console.log(
    "seen:",
    refusal.status,
    refusal.problems.map((each) => each.path),
  );
  assert.equal(refusal.status, 422);
  assert.ok(refusal.problems.length >= 3);
  assert.equal(await list(), before);
  const status = await world.a.status();
  assert.equal(status.ready, true);
  assert.equal(status.problems.length, refusal.problems.length);
  // Killed and started with it, the daemon still leaves the kernel alone.
  await world.a.end("SIGKILL");
  const where = Object.entries({ etc: 1, state: 1, run: 1 }).flatMap(([key]) => [
    `--${key}`,
    world.a.paths[key as "etc" | "state" | "run"],
  ]);
  const daemon = new URL("../../../packages/forwarder/dist/main.js", import.meta.url).pathname;
  const child = world.spawn("a", [process.execPath, daemon, ...where]);
  const started = await until("the daemon goes on with the rules it found", async () => {
    const now = await world.a.status();
    return now.pid === child.pid && now.ready ? now : undefined;
  });
  console.log("seen: started with it: ready", started.ready, "-", started.readyReason);
  assert.equal(await list(), before);
  await world.a.write(referenceServices());
  await world.a.ask("POST /reload");
  assert.equal((await world.a.status()).ready, true);
  child.kill("SIGKILL");
});

test("on turning passive the services' connections are forgotten, on turning active they are not", {
  skip,
}, async () => {
  await world.a.start();
  const count = async () =>
    (await inside("a", "conntrack", "-L", "-p", "tcp", "--orig-dst", VIP)).stdout
      .trim()
      .split("\n")
      .filter((line) => line.includes("ESTABLISHED")).length;
  await world.a.ask("POST /condition", { condition: "active", peerAlive: true });
  const fresh = await client.open("i", VIP, [12000, 12000]);
  // The last acknowledgements are through, so that nothing picks these connections up again.
  await pause(500);
  const active = await count();
  await world.a.ask("POST /condition", { condition: "active", peerAlive: true });
  assert.ok((await count()) >= fresh.length);
  await world.a.ask("POST /condition", { condition: "passive", peerAlive: true });
  const ids = new Set(fresh);
  console.log(
    `seen: ${active} entries while active, ${await count()} after (busy flows are picked up again)`,
  );
  const { stdout } = await inside("a", "conntrack", "-L", "-p", "tcp");
  const report = await client.report();
  for (const id of ids) {
    assert.doesNotMatch(stdout, new RegExp(`sport=${report.get(id)?.greeting?.clientPort} `));
  }
});

test("a script that dies of its own file's absence never stops the data plane", {
  skip,
}, async () => {
  await world.a.write(
    referenceServices({
      check: "{ type: external, script: missing, interval: 200ms, timeout: 100ms, failures: 2 }",
    }),
  );
  await world.a.ask("POST /reload");
  await until("new connections go to the fallback", async () => {
    const [service] = (await world.a.status()).services;
    return service?.onFallback;
  });
  const [id = ""] = await client.open("t", VIP, [12000]);
  const greeting = (await client.report()).get(id)?.greeting;
  console.log("seen:", greeting?.server, (await world.a.status()).services[0]?.servers[0]?.reason);
  assert.equal(greeting?.server, "fallback");
  assert.ok(FALLBACK);
  await writeFile(world.a.paths.modesFile, "");
});
