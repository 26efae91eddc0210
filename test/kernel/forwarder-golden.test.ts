// forwarder-golden.test.ts — every golden case is really loaded, and the kernel's listing compared.
//
// LBPAIR_GOLDEN=write records the listings anew; look at the difference before committing it.
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { mustRun, type Run, runCommand } from "@lbpair/common";
import {
  createNftTable,
  diffElements,
  GOLDEN,
  noElements,
  readCase,
  rulesText,
  sortElements,
  versionChain,
  wantedOf,
} from "@lbpair/forwarder";

const NAMESPACE = `lbt-${process.pid}-fgolden`;
const OPTIONS = { family: 4, markMask: 0x00ff_ffff } as const;
const skip =
  process.getuid?.() === 0 ? false : "SKIPPED, NOT TESTED: loading rules needs root and namespaces";

const inside: Run = (argv, options) =>
  runCommand(["ip", "netns", "exec", NAMESPACE, ...argv], options);
const table = createNftTable(inside, OPTIONS);
/** The kernel's table with its elements; null where there is none. */
async function read() {
  const elements = noElements();
  const present = await table.list((set, key, value) => elements[set].set(key, value));
  return present === null ? null : { table: present, elements };
}
const list = async (): Promise<string> =>
  sortElements((await mustRun(inside, ["nft", "-s", "list", "table", "ip", "lbpair"])).stdout);

before(async () => {
  if (skip === false) await mustRun(runCommand, ["ip", "netns", "add", NAMESPACE]);
});
after(async () => {
  if (skip === false) await runCommand(["ip", "netns", "delete", NAMESPACE]);
});

const names = readdirSync(GOLDEN).sort();

for (const name of names) {
  test(`golden ${name}: the kernel lists what is expected`, { skip }, async () => {
    const golden = readCase(name);
    await table.load([wantedOf(golden)]);
    const listing = await list();
    if (process.env.LBPAIR_GOLDEN === "write") {
      writeFileSync(join(golden.folder, "expected.nft"), listing);
      return;
    }
    assert.equal(listing, golden.expected);
  });
}

test("from every case to every other, one transaction of the difference ends in the same table", {
  skip,
}, async () => {
  let elements = 0;
  let transactions = 0;
  for (const name of [...names, ...[...names].reverse(), ...names.filter((_, i) => i % 3 === 0)]) {
    const golden = readCase(name);
    const present = await read();
    assert.ok(present !== null && table.knows(present.table));
    const changes = diffElements(wantedOf(golden), present.elements);
    await table.change(changes);
    elements += changes.count;
    transactions += changes.count > 0 ? 1 : 0;
    assert.equal(await list(), golden.expected, name);
    const again = await read();
    assert.ok(again !== null);
    assert.equal(diffElements(wantedOf(golden), again.elements).count, 0);
  }
  console.log(`seen: ${transactions} transactions changed ${elements} elements`);
});

test("the same generator's IPv6 rules load too", { skip }, async () => {
  const ip6 = { family: 6, markMask: OPTIONS.markMask } as const;
  await mustRun(inside, ["nft", "-f", "-"], { input: rulesText(ip6) });
  const { stdout } = await mustRun(inside, ["nft", "list", "table", "ip6", "lbpair"]);
  assert.match(stdout, /nd-neighbor-solicit/);
  assert.match(stdout, new RegExp(versionChain(ip6)));
});

test("no two cases differ in a rule: configuration is elements only", { skip }, () => {
  const rules = new Set(
    names.map((name) => readCase(name).expected.replace(/\t\telements = \{[^}]*\}\n/g, "")),
  );
  assert.equal(rules.size, 1);
});
