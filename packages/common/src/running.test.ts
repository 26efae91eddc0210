// running.test.ts — what is in force is read whole, and every problem of every file shows at once.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { appliancePaths, pathsFrom, UsageError } from "./paths.js";
import { loadRunning } from "./running.js";

const root = await mkdtemp(join(tmpdir(), "lbpair-running-"));
const paths = appliancePaths({ etc: join(root, "etc"), state: join(root, "state"), run: root });
after(() => rm(root, { recursive: true }));

const revision = async (serial: number, deadtime: string): Promise<string> => {
  const folder = join(paths.revisions, `${serial}-0123456789abcdef`);
  await mkdir(folder, { recursive: true });
  const record = { serial, hash: "0123456789abcdef", author: "lb1", at: "", reason: "" };
  await writeFile(join(folder, "services.yaml"), `heartbeat: { deadtime: ${deadtime} }\n`);
  await writeFile(join(folder, "revision.json"), JSON.stringify(record));
  return folder;
};

beforeEach(async () => {
  await rm(root, { recursive: true, force: true });
  await mkdir(paths.etc, { recursive: true });
  await mkdir(paths.state, { recursive: true });
  await writeFile(paths.applianceFile, "node: { name: lb1, designation: primary }\n");
});

test("with nothing applied the services are empty and there is no revision", async () => {
  const running = await loadRunning(paths);
  assert.ok(running.ok);
  assert.equal(running.value.revision, null);
  assert.deepEqual(running.value.services.virtualServices, []);
  assert.deepEqual(running.value.modes, { serial: 0, modes: [] });
});

test("services and revision are of the same revision while the link moves", async () => {
  const [one, two] = [await revision(1, "1001ms"), await revision(2, "1002ms")];
  await symlink(one, paths.running);
  for (let i = 0; i < 100; i += 1) {
    const reading = loadRunning(paths);
    await symlink(i % 2 === 0 ? two : one, `${paths.running}.new`);
    await rename(`${paths.running}.new`, paths.running);
    const running = await reading;
    assert.ok(running.ok);
    const { revision: record, services } = running.value;
    assert.equal(services.heartbeat.deadtime, 1000 + (record?.serial ?? 0));
  }
});

test("problems of all files come together, and an unreadable file is a problem, not an exception", async () => {
  await symlink(await revision(1, "fast"), paths.running);
  await writeFile(paths.modesFile, "modes: 5\n");
  await rm(paths.applianceFile);
  await mkdir(paths.applianceFile);
  const running = await loadRunning(paths);
  assert.ok(!running.ok);
  const codes = running.problems.map((problem) => problem.code).sort();
  assert.deepEqual(codes, ["file-missing", "wrong-value", "wrong-value"]);
});

test("roots come from the command line, else from the environment, else are the system's", () => {
  const { paths: found, rest } = pathsFrom(["--etc", "/a", "x", "--run=/b"], {
    LBPAIR_STATE: "/c",
  });
  assert.deepEqual([found.etc, found.run, found.state, rest], ["/a", "/b", "/c", ["x"]]);
  assert.equal(pathsFrom([], {}).paths.servicesFile, "/etc/lbpair/services.yaml");
  assert.throws(() => pathsFrom(["--etc"], {}), UsageError);
});
