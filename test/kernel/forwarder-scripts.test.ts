// forwarder-scripts.test.ts — H2, H3, H4: scripts as appliance vendors write them run unchanged, and fail a service over.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type CheckTrial, checkTemplates, type WhatIfAnswer } from "@lbpair/common";
import {
  createWorld,
  notHere,
  referenceServices,
  until,
  VIP,
  type World,
} from "./forwarder-world.js";

const skip = notHere() ?? false;
const PORTS = [12000, 12100, 12300, 12301];
/** One port that every connection to the server comes to. */
const FIXED = 10_400;

/** Four arguments, in the habits that such scripts have. */
const SCRIPTS: Readonly<Record<string, string>> = {
  // A loop over the list, each port's result kept, integers compared with -eq.
  "loop-over-ports": `#!/bin/bash
# Check every port on the real server
VIP=$1
VPT=$2
RIP=$3
RPT=$4
if [ $RPT -eq 0 ]; then
  PORTLIST=$VPT
else
  PORTLIST=$RPT
fi
RC=0
for PORT in $PORTLIST
do
  timeout 1 bash -c "echo > /dev/tcp/$RIP/$PORT" > /dev/null 2>&1
  EC=$?
  if [ $EC -ne 0 ]; then
    echo "Port $PORT on $RIP failed"
    RC=1
  fi
done
exit $RC
`,
  // POSIX shell, an empty or zero port as one, leaves at the first failure, temporary files.
  "posix-and-temporary-files": `#!/bin/sh
LOG=/tmp/check.$$
trap 'rm -f $LOG' EXIT
port="$4"
[ "x$port" = "x" -o "x$port" = "x0" ] && port="$2"
for p in $port; do
  if ! timeout 1 bash -c "cat < /dev/null > /dev/tcp/$3/$p" 2> $LOG; then
    head -1 $LOG
    exit 1
  fi
done
echo OK
`,
  // Reads the list into an array and works on all of it in the background.
  "array-in-the-background": `#!/bin/bash
read -r -a ports <<< "$2"
if [[ -n "$4" && "$4" != "0" ]]; then ports=("$4"); fi
declare -a pids
for port in "\${ports[@]}"; do
  ( exec 3<> /dev/tcp/"$3"/"$port" ) 2>/dev/null &
  pids+=($!)
done
failed=0
for pid in "\${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
(( failed == 0 ))
`,
};

let world: World;
let servers: ChildProcess[] = [];

const listen = (ports: readonly number[]): void => {
  const code = `for (const port of ${JSON.stringify(ports)}) require("node:net").createServer((s) => s.on("error", () => {})).listen(port)`;
  servers.push(world.spawn("primary", [process.execPath, "-e", code]));
};

const kill = async (): Promise<void> => {
  const living = servers.filter((one) => one.exitCode === null && one.signalCode === null);
  const gone = living.map((server) => new Promise((done) => server.once("exit", done)));
  for (const server of living) server.kill("SIGKILL");
  servers = [];
  await Promise.all(gone);
};

before(async () => {
  if (skip !== false) return;
  world = await createWorld();
  await writeFile(
    world.a.paths.applianceFile,
    "node: { name: node-a, designation: primary }\nchecks: { user: nobody }\n",
  );
  await world.a.write(referenceServices());
  await world.a.start();
  await world.a.ask("POST /condition", { condition: "active", peerAlive: false });
});
after(async () => {
  await kill();
  return world?.close();
});

async function use(script: string, text: string, serverPort: number): Promise<void> {
  const port = serverPort === 0 ? "" : `, port: ${serverPort}`;
  await world.a.write(
    referenceServices({
      ports: "[12000, 12100, 12300-12301]",
      realServers: `[ { label: PrimaryCluster, address: 192.168.100.110${port} } ]`,
      check: `{ type: external, script: ${script}, interval: 3s, timeout: 2900ms, failures: 2 }`,
    }),
  );
  const file = join(world.a.paths.runningHealthChecks, script);
  await writeFile(file, text);
  await chmod(file, 0o755);
  await world.a.ask("POST /reload");
}

const tryNow = async (): Promise<CheckTrial> => {
  const [trial] = (await world.a.ask("POST /health-check", { service: "VNA" })) as CheckTrial[];
  assert(trial !== undefined);
  return trial;
};

const passes = (): Promise<unknown> =>
  until("it passes", async () => {
    const { passed, reason } = await tryNow();
    if (!passed) throw new Error(reason);
    return passed;
  });

for (const [name, text] of Object.entries(SCRIPTS)) {
  test(`H4: ${name}: passes with all ports, fails with one closed, with the client's ports and with one of its own`, {
    skip,
  }, async () => {
    for (const serverPort of [0, FIXED]) {
      const ports = serverPort === 0 ? PORTS : [FIXED];
      listen(ports);
      await use(name, text, serverPort);
      await passes();
      const good = await tryNow();
      console.log("seen: argv", good.trace?.argv.slice(-4).join(" | "), "->", good.reason);
      assert.deepEqual(good.trace?.argv.slice(-4), [
        VIP,
        "12000 12100 12300 12301",
        "192.168.100.110",
        `${serverPort}`,
      ]);
      await kill();
      listen(ports.slice(0, -1));
      const bad = await until("only that port is closed", async () => {
        const trial = await tryNow();
        const accepting = trial.ports.filter(({ accepts }) => accepts).length;
        return accepting >= ports.length - 1 ? trial : undefined;
      });
      console.log(`seen: with ${ports.at(-1)} closed: ${bad.reason}`);
      assert.equal(bad.passed, false);
      await kill();
    }
  });
}

test("H2: every template that ships runs as it is, with four arguments", { skip }, async () => {
  listen(PORTS);
  for (const { name, what, text } of await checkTemplates()) {
    assert.notEqual(what, "");
    await use(name, text, 0);
    await passes();
    const { reason, tookMs } = await tryNow();
    console.log(`seen: ${name}: ${reason} (${Math.round(tookMs)} ms)`);
  }
  await kill();
});

test("H3: after so many failures in a row clients go to the fallback; the record says when it would have been otherwise", {
  skip,
}, async () => {
  listen(PORTS);
  const template = (await checkTemplates()).find(({ name }) => name.startsWith("IBM-WHI"));
  await use("vna", template?.text ?? "", 0);
  const server = async () => (await world.a.status()).services[0]?.servers[0];
  await until("healthy", async () => (await server())?.health === "healthy", 20_000);
  await until("its ports are told", async () => (await server())?.ports?.total === 4, 10_000);
  await kill();
  listen([12000, 12300, 12301]);
  const began = performance.now();
  await until(
    "on fallback",
    async () => (await world.a.status()).services[0]?.onFallback === true,
    30_000,
  );
  const tookMs = performance.now() - began;
  console.log(`seen: fallback after ${Math.round(tookMs)} ms: ${(await server())?.reason}`);
  // Between the second check's start and the third's end.
  assert.ok(tookMs >= 2500 && tookMs <= 2 * 3000 + 2900 + 500);
  assert.deepEqual((await server())?.ports, {
    total: 4,
    closed: [{ port: 12100, what: "refused" }],
  });
  const ask = async (numbers: object): Promise<WhatIfAnswer | undefined> => {
    const order = { service: "VNA", server: "PrimaryCluster", ...numbers };
    return ((await world.a.ask("POST /what-if", order)) as WhatIfAnswer[])[0];
  };
  const quick = await ask({ interval: 3000, failures: 1 });
  const patient = await ask({ failures: 100 });
  console.log("seen: as it is", JSON.stringify(quick?.present));
  console.log("seen: 1 failure", JSON.stringify(quick?.proposed));
  assert.equal(quick?.present.times, 1);
  assert.equal(quick.proposed.noticedMsMax, 0);
  assert.ok(quick.proposed.unhealthyMs > quick.present.unhealthyMs);
  assert.equal(patient?.proposed.times, 0);
  await assert.rejects(ask({ failures: 0 }), /malformed/);
  // The record outlives the daemon.
  await world.a.end("SIGTERM");
  await world.a.start();
  const again = await ask({});
  assert.ok((again?.results ?? 0) >= (quick?.results ?? 0));
  await kill();
});
