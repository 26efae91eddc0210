// sysctl.test.ts — promises of sysctl.ts and kernel-settings.ts.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { isRight, kernelSettings } from "./kernel-settings.js";
import { repairSettings } from "./sysctl.js";

const settings = kernelSettings(["eth0.100"], 1000);
const path = (key: string) => settings.find((each) => each.path.join(".") === key);

test("a wrong value is set and told, a right or acceptable one is left alone", async () => {
  const root = await mkdtemp(join(tmpdir(), "lbpair-sysctl-"));
  try {
    for (const setting of settings) {
      const file = join(root, ...setting.path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${setting.want}\n`);
    }
    const filter = join(root, "net/ipv4/conf/all/rp_filter");
    const arm = join(root, "net/ipv4/conf/eth0.100/rp_filter");
    await writeFile(filter, "2\n");
    await writeFile(arm, "1\n");
    const report = await repairSettings(settings, root);
    assert.deepEqual(report.repaired, ["net.ipv4.conf.eth0.100.rp_filter: 1 → 0"]);
    assert.equal((await readFile(filter, "utf8")).trim(), "2");
    assert.ok(report.statuses.every((each) => each.ok));
    assert.deepEqual((await repairSettings(settings, root)).repaired, []);
  } finally {
    await rm(root, { recursive: true });
  }
});

test("a missing setting is reported, not thrown", async () => {
  const { statuses, repaired } = await repairSettings(settings, "/nonexistent");
  assert.equal(repaired.length, 0);
  const forward = statuses.find((each) => each.key === "net.ipv4.ip_forward");
  assert.deepEqual([forward?.got, forward?.ok], [null, false]);
});

test("a larger connection table than asked for is right, a smaller one is not", () => {
  const max = path("net.netfilter.nf_conntrack_max");
  assert.ok(max !== undefined);
  assert.deepEqual(
    ["999", "1000", "2000"].map((got) => isRight(max, got)),
    [false, true, true],
  );
});

test("strict reverse-path filtering is wrong, off and loose are right", () => {
  const filter = path("net.ipv4.conf.all.rp_filter");
  assert.ok(filter !== undefined);
  assert.deepEqual(
    ["0", "1", "2"].map((got) => isRight(filter, got)),
    [true, false, true],
  );
});
