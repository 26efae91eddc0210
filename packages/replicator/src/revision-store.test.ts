import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { type AppliancePaths, appliancePaths } from "@lbpair/common";
import { hashOf, type ServiceFiles } from "./core/service-files.js";
import { keepCandidate, writeCandidate } from "./kept-files.js";
import { createModesStore } from "./modes-store.js";
import { createRevisionStore, installRevision, REVISIONS_KEPT_MAX } from "./revision-store.js";

let base: string;
let paths: AppliancePaths;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "rep-store-"));
  paths = appliancePaths({
    etc: join(base, "etc"),
    state: join(base, "state"),
    run: join(base, "run"),
  });
  for (const folder of [paths.etc, paths.healthChecks, paths.state])
    mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const filesOf = (n: number): ServiceFiles => ({
  services: `# ${n}\n`,
  scripts: new Map([["health-checks/x", `#!/bin/sh\n# ${n}\n`]]),
});
const recordOf = (n: number) => ({
  serial: n,
  hash: hashOf(filesOf(n)),
  author: "primary",
  at: "",
  reason: "",
});

test("a staged revision is not in force; a committed one is, whole", async () => {
  const store = createRevisionStore(paths);
  await store.clean();
  await store.stage(filesOf(1), recordOf(1));
  assert.equal((await store.inForce()).record, null);
  await store.commit(recordOf(1));
  const inForce = await store.inForce();
  assert.deepEqual(inForce.record, recordOf(1));
  assert.deepEqual(inForce.files, filesOf(1));
  assert.ok(inForce.intact);
  assert.equal(readlinkSync(paths.running), `revisions/1-${recordOf(1).hash}`);
});

test("a former revision comes back by restore, and nothing where nothing was", async () => {
  const store = createRevisionStore(paths);
  await installRevision(paths, filesOf(1), recordOf(1));
  await store.stage(filesOf(2), recordOf(2));
  const before = await store.commit(recordOf(2));
  assert.equal((await store.inForce()).record?.serial, 2);
  await store.restore(before);
  assert.equal((await store.inForce()).record?.serial, 1);
  await store.restore(undefined);
  assert.equal((await store.inForce()).record, null);
});

test("files in force that were changed by hand are seen, and a repair of the same revision mends them", async () => {
  const store = createRevisionStore(paths);
  await installRevision(paths, filesOf(1), recordOf(1));
  writeFileSync(paths.runningServicesFile, "by hand");
  assert.equal((await store.inForce()).intact, false);
  for (let i = 0; i < 3; i += 1) {
    await store.stage(filesOf(1), recordOf(1));
    await store.commit(recordOf(1));
    assert.equal((await store.inForce()).intact, true);
  }
});

test("what a crash left half done is cleared away, and what is in force stays", async () => {
  const store = createRevisionStore(paths);
  await installRevision(paths, filesOf(1), recordOf(1));
  await store.stage(filesOf(2), recordOf(2));
  writeFileSync(`${paths.running}.new`, "");
  await store.clean();
  assert.equal((await store.inForce()).record?.serial, 1);
  assert.equal(await store.isStaged(recordOf(2)), false);
  assert.deepEqual(readdirSync(paths.state).sort(), ["revisions", "running"]);
});

test("old revisions go, but never the one in force nor the one before it", async () => {
  const store = createRevisionStore(paths);
  for (let n = 1; n <= REVISIONS_KEPT_MAX + 5; n += 1)
    await installRevision(paths, filesOf(n), recordOf(n));
  assert.equal(readdirSync(paths.revisions).length, REVISIONS_KEPT_MAX);
  assert.ok((await store.knownHashes()).has(recordOf(REVISIONS_KEPT_MAX + 4).hash));
});

test("unsaved work is moved beside and never over older kept work", async () => {
  for (const text of ["first", "second"]) {
    writeFileSync(paths.servicesFile, text);
    await keepCandidate(paths, 7);
    await writeCandidate(paths, filesOf(1));
  }
  const kept = readdirSync(paths.etc)
    .filter((name) => name.startsWith("services.yaml.kept-7"))
    .sort();
  assert.deepEqual(
    kept.map((name) => readFileSync(join(paths.etc, name), "utf8")),
    ["first", "second"],
  );
});

test("the candidate follows a revision: scripts that are gone go, hidden files stay", async () => {
  writeFileSync(join(paths.healthChecks, "old"), "x");
  writeFileSync(join(paths.healthChecks, ".swp"), "x");
  await writeCandidate(paths, filesOf(1));
  assert.deepEqual(readdirSync(paths.healthChecks).sort(), [".swp", "x"]);
});

test("modes are read back as written; a hand-made mistake is said, not overlooked", async () => {
  const store = createModesStore(paths);
  const modes = { serial: 4, modes: [{ service: "no", server: "1.5", mode: "halt" as const }] };
  await store.write(modes);
  assert.deepEqual(await store.read(), modes);
  const kept = await store.keep(4);
  assert.equal(readFileSync(kept ?? "", "utf8"), readFileSync(paths.modesFile, "utf8"));
  writeFileSync(paths.modesFile, "modes: [ { service: a, server: b, mode: hlat } ]\n");
  await assert.rejects(store.read(), /mode/);
});
