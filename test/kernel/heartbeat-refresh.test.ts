// heartbeat-refresh.test.ts — a refresh prolongs what runs, brings nothing back, and waits for nobody.
import assert from "node:assert/strict";
import { release } from "node:os";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { millis, runCommand } from "@lbpair/common";
import { createLease, type Lease, prolongsInPlace } from "@lbpair/heartbeat";
import { type Cable, describeTimes, layCable, pause, unsupported } from "./heartbeat-namespaces.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const VIP = "10.9.0.100";
const VIP6 = "fd00:9::100";
const SET = ["netdev", "lbpair_gate", "lease"];
/** Whether this kernel prolongs an element that is there. */
const IN_PLACE = prolongsInPlace(release());
const nft = (...args: string[]) => runCommand(["nft", ...args]);

describe("a refresh of the kernel's lease", { skip: reason ?? false }, () => {
  let cable: Cable;
  let lease: Lease;
  before(() => {
    cable = layCable();
  });
  after(() => cable.remove());
  beforeEach(async () => {
    lease = createLease({ run: runCommand });
    await lease.open(["e0"], [VIP, VIP6]);
  });
  afterEach(async () => {
    lease.close();
    await nft("flush", "ruleset");
  });

  test("a line that comes late brings back nothing that lapsed or was revoked, in place or on a kernel before 6.12", async () => {
    const seen: string[] = [];
    for (const kernel of [undefined, "6.11.9"]) {
      lease.close();
      await nft("flush", "ruleset");
      lease = createLease({ run: runCommand, ...(kernel === undefined ? {} : { kernel }) });
      await lease.open(["e0"], [VIP]);
      const late = async (what: string) => {
        // As it would be refreshed, by whatever way, and by an nft of its own.
        const answers = [await lease.refresh(millis(500)), await lease.refresh(millis(500))];
        seen.push(`${what}: ${answers}`);
        assert.deepEqual(answers, ["lapsed", "lapsed"], what);
        if (kernel === undefined && IN_PLACE) {
          const { code } = await nft("add", "element", ...SET, "{ arp timeout 1s expires 1s }");
          assert.equal(code, 1, `${what}: in place`);
        }
        assert.equal(await lease.remaining(), null, what);
      };
      await late("before any grant");
      assert.equal(await lease.grant(millis(5000)), "held");
      assert.equal(await lease.refresh(millis(5000)), "held");
      assert.equal(await lease.revoke(), "held");
      await late("revoked");
      assert.equal(await lease.revoke(), "held", "once more");
      await late("revoked once more");
      assert.equal(await lease.grant(millis(60)), "held");
      assert.equal(await lease.refresh(millis(60)), "held");
      await pause(80);
      await late("lapsed");
      for (const length of [
        millis(300),
        "unlimited",
        "unlimited",
        millis(400),
        millis(400),
      ] as const) {
        assert.equal(await lease.grant(millis(5000)), "held");
        assert.equal(await lease.refresh(length), "held");
        const left = await lease.remaining();
        assert.ok(length === "unlimited" ? left === length : Number(left) <= length, `${left}`);
        assert.equal(await lease.refresh(millis(700)), "held");
        assert.ok(Number(await lease.remaining()) > 500, `${await lease.remaining()}`);
      }
    }
    console.log(seen.join("; "));
  });

  test("a gate of before is refreshed as before, and its lease goes on", async () => {
    lease.close();
    await nft("flush", "ruleset");
    const older = createLease({ run: runCommand, kernel: "6.1.0" });
    await older.open(["e0"], [VIP]);
    assert.equal(await older.grant(millis(5000)), "held");
    older.close();
    lease = createLease({ run: runCommand });
    await lease.open(["e0"], [VIP, VIP6]);
    assert.ok(Number(await lease.remaining()) > 4000);
    for (let i = 0; i < 3; i += 1) assert.equal(await lease.refresh(millis(5000)), "held");
    assert.equal(await lease.revoke(), "held");
    assert.equal(await lease.refresh(millis(5000)), "lapsed");
  });

  /** Milliseconds that refreshes took beside processes that use nft and end, one after the other. */
  async function besideEnds(): Promise<number[]> {
    assert.equal(await lease.grant(millis(10_000)), "held");
    let ending = true;
    const others = (async () => {
      while (ending) await nft("list", "tables");
    })();
    const times: number[] = [];
    for (let i = 0; i < 150; i += 1) {
      await pause(10);
      const started = performance.now();
      assert.equal(await lease.refresh(millis(10_000)), "held");
      times.push(performance.now() - started);
    }
    ending = false;
    await others;
    return times.sort((a, b) => a - b);
  }

  const skip = IN_PLACE ? false : "before Linux 6.12";
  test("a refresh does not wait for processes that used nft and end", { skip }, async () => {
    const inPlace = await besideEnds();
    lease.close();
    await nft("flush", "ruleset");
    lease = createLease({ run: runCommand, kernel: "6.11.9" });
    await lease.open(["e0"], [VIP, VIP6]);
    const deleting = await besideEnds();
    console.log(`in place: ${describeTimes(inPlace)}; deleting: ${describeTimes(deleting)}`);
    const median = (times: readonly number[]) => times[times.length / 2] ?? 0;
    assert.ok(median(inPlace) < median(deleting) * 0.6, `${median(inPlace)} ms`);
  });
});
