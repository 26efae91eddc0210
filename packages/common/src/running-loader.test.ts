// running-loader.test.ts — promises of running-loader.ts and parse-apart.ts.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parseServices } from "./config-file.js";
import { PARSED_HERE_BYTES_MAX } from "./parse-apart.js";
import { appliancePaths } from "./paths.js";
import { type Run, runCommand } from "./run.js";
import { createRunningLoader } from "./running-loader.js";

const service = (i: number, port: string): string =>
  `  - { label: s${i}, address: 192.168.${200 + (i >> 8)}.${i & 255}, ports: [${port}], realServers: [{ label: a, address: 192.168.100.${1 + (i & 127)} }], check: { type: "on" } }\n`;
const services = (many: number, port = "80"): string =>
  `virtualServices:\n${Array.from({ length: many }, (_, i) => service(i, port)).join("")}`;

async function bench() {
  const root = await mkdtemp(join(tmpdir(), "lbpair-loader-"));
  const paths = appliancePaths({
    etc: join(root, "etc"),
    state: join(root, "state"),
    run: join(root, "run"),
  });
  await mkdir(paths.etc, { recursive: true });
  await mkdir(dirname(paths.runningServicesFile), { recursive: true });
  await writeFile(paths.applianceFile, "node: { name: a, designation: primary }\n");
  let started = 0;
  const run: Run = (argv, options) => {
    started += 1;
    return runCommand(argv, options);
  };
  return {
    loader: () => createRunningLoader(paths, run, "forwarder"),
    write: (text: string) => writeFile(paths.runningServicesFile, text),
    writeModes: (text: string) => writeFile(paths.modesFile, text),
    started: () => started,
    close: () => rm(root, { recursive: true, force: true }),
  };
}

test("what did not change is the same object, and what did is not", async () => {
  const { loader, write, writeModes, close } = await bench();
  const loads = loader();
  await write(services(3));
  const first = await loads.load();
  await writeModes("serial: 1\nmodes: [{ service: s0, server: a, mode: halt }]\n");
  const second = await loads.load();
  await write(services(3, "81"));
  const third = await loads.load();
  assert.ok(first.ok && second.ok && third.ok);
  assert.equal(second.value.services, first.value.services);
  assert.equal(second.value.appliance, first.value.appliance);
  assert.equal(second.value.modes.modes[0]?.mode, "halt");
  assert.notEqual(third.value.services, first.value.services);
  await close();
});

test("a large file is parsed by a process of its own, once, and the next life starts from what was kept", async () => {
  const { loader, write, started, close } = await bench();
  const large = services(1000);
  assert.ok(large.length > PARSED_HERE_BYTES_MAX);
  await write(large);
  const loads = loader();
  const first = await loads.load();
  await loads.load();
  const later = await loader().load();
  const direct = parseServices(large);
  assert.ok(first.ok && later.ok && direct.ok);
  console.log(
    `seen: ${first.value.services.virtualServices.length} services, ${started()} process`,
  );
  assert.deepEqual(first.value.services, direct.value);
  assert.deepEqual(later.value.services, direct.value);
  assert.equal(started(), 1);
  await close();
});

test("a large file that is wrong is refused with the same words, and looked at again", async () => {
  const { loader, write, close } = await bench();
  const wrong = services(1000, "70000");
  await write(wrong);
  const loads = loader();
  const refused = await loads.load();
  const direct = parseServices(wrong);
  assert.ok(!refused.ok && !direct.ok);
  const words = (problems: typeof direct.problems) => problems.map(({ file: _, ...rest }) => rest);
  assert.deepEqual(words(refused.problems), words(direct.problems));
  await write(services(1000));
  assert.ok((await loads.load()).ok);
  await close();
});
