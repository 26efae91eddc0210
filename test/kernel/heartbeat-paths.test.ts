// heartbeat-paths.test.ts — as many paths as there may be, IPv4, IPv6 and link-local, each judged by itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { HEARTBEAT_PATHS_MAX, type PathStatus, parseAppliance, systemClock } from "@lbpair/common";
import { Advertiser, NO_REVISION, openAdvertSocket, type Saying } from "@lbpair/heartbeat";
import { type Cable, layCable, pause, unsupported } from "./heartbeat-namespaces.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);

const KEEPALIVE_MS = 25;
const TIMINGS = { warntime: 200, deadtime: 500 };
/** Written as nobody's kernel writes it: the sender is the same address all the same. */
const ODD_6 = "fd00:9:0:0:0:0:0:00";

describe("paths of the heartbeat", { skip: reason ?? false }, () => {
  let cable: Cable;
  let here: Advertiser;
  let there: Advertiser;
  let beat: NodeJS.Timeout;

  const linkLocal = (namespace: string): string => {
    const show = ["-n", namespace, "-6", "-o", "addr", "show", "dev", "e0", "scope", "link"];
    const text = execFileSync("ip", show, { encoding: "utf8" });
    return /fe80::[0-9a-f:]+/.exec(text)?.[0] ?? assert.fail(text);
  };

  /** Four by IPv4, three by IPv6, one link-local; the other end has them in the opposite order. */
  function layPaths(): { readonly local: string; readonly peer: string }[] {
    for (let i = 3; i <= 8; i += 1) {
      for (const [end, namespace] of [cable.here, cable.there].entries()) {
        const host = 10 * i + end;
        const address = i <= 5 ? [`10.9.0.${host}/24`] : [`fd00:9::${host}/64`, "nodad"];
        execFileSync("ip", ["-n", namespace, "addr", "add", ...address, "dev", "e0"]);
      }
    }
    const by4 = [3, 4, 5].map((i) => ({ local: `10.9.0.${10 * i}`, peer: `10.9.0.${10 * i + 1}` }));
    const by6 = [6, 7, 8].map((i) => ({
      local: `fd00:9::${10 * i}`,
      peer: `${ODD_6}${10 * i + 1}`,
    }));
    return [
      { local: "10.9.0.1", peer: "10.9.0.2" },
      ...by4,
      ...by6,
      { local: `${linkLocal(cable.here)}%e0`, peer: `${linkLocal(cable.there)}%e0` },
    ];
  }

  const saying = (): Saying => ({
    active: false,
    ready: true,
    yielding: false,
    requesting: false,
    forHealth: false,
    probing: false,
    faults: 0,
    pingsLost: 0,
    latenessMs: 0,
    macs: [],
    leaseMs: 0,
    epoch: 0,
    highestEpoch: 0,
    verdicts: NO_REVISION,
    revision: NO_REVISION,
    modes: NO_REVISION,
    wallMs: systemClock.wall().getTime(),
  });

  const open = (designation: "primary" | "secondary", paths: ReturnType<typeof layPaths>) =>
    new Advertiser({
      clock: systemClock,
      designation,
      peer: { name: "peer", paths, ssh: { address: "10.9.0.2", port: 22, user: "nobody" } },
      port: 6694,
      key: KEY,
      bootId: "0".repeat(32),
      timings: TIMINGS,
      openSocket: openAdvertSocket,
      onReceived: () => undefined,
    });
  const KEY = randomBytes(32);

  const until = async (what: () => boolean, ms = 5000): Promise<void> => {
    const end = performance.now() + ms;
    while (!what() && performance.now() < end) await pause(10);
    assert.ok(what(), JSON.stringify(here.status()));
  };
  const bound = (one: Advertiser) => one.status().every(({ state }) => state !== "unbound");
  const states = (one: Advertiser) => one.status().map(({ state }) => state);

  before(async () => {
    cable = layCable();
    // A link-local address is no one's before it is known that nobody else has it.
    await pause(2500);
    const paths = layPaths();
    assert.equal(paths.length, HEARTBEAT_PATHS_MAX);
    const opposite = paths.map(({ local, peer }) => ({ local: peer, peer: local })).reverse();
    there = await cable.openThere(async () => {
      const opened = open("secondary", opposite);
      const end = performance.now() + 3000;
      while (!bound(opened) && performance.now() < end) await pause(5);
      return opened;
    });
    here = open("primary", paths);
    beat = setInterval(() => {
      here.say(saying());
      there.say(saying());
    }, KEEPALIVE_MS);
  });
  after(async () => {
    clearInterval(beat);
    await Promise.all([here?.close(), there?.close()]);
    cable.remove();
  });

  test("eight paths at once are heard both ways, without loss, with a round trip and the peer's clock", async () => {
    await until(() => [here, there].every((one) => states(one).every((s) => s === "hearing")));
    await pause(1500);
    for (const one of [here, there]) {
      for (const path of one.status()) {
        assert.equal(path.state, "hearing");
        assert.equal(path.heardByPeer, true);
        assert.equal(path.lossPercent, 0);
        assert.equal(path.peerLossPercent, 0);
        assert.ok(path.rttMs !== null && path.rttMs < 100, `${path.rttMs}`);
        assert.deepEqual(
          Object.keys(path.dropped).filter((why) => why !== "hello"),
          [],
        );
      }
    }
    const trips = here
      .status()
      .map(({ local, rttMs, rttMinMs }) => `${local} ${rttMs}/${rttMinMs}`);
    console.log(`${trips.join(", ")} ms; clock ${here.clockOffsetMs()?.toFixed(2)} ms away`);
    assert.ok(Math.abs(here.clockOffsetMs() ?? 1e9) < 50);
  });

  const dropThere = (rule: string): void => {
    const rules = `table inet trouble { chain in { type filter hook input priority 0; ${rule}; }; }\n`;
    execFileSync("ip", ["netns", "exec", cable.there, "nft", "-f", "-"], { input: rules });
  };
  const mend = (): void => {
    execFileSync("ip", ["netns", "exec", cable.there, "nft", "delete", "table", "inet", "trouble"]);
  };
  const only = (state: PathStatus["state"], index: number): string =>
    states(here)
      .map((_, i) => (i === index ? state : "hearing"))
      .join();

  test("a path that carries one way only is seen as that at both ends, in whatever order they have them", async () => {
    dropThere("ip6 saddr fd00:9::60 udp dport 6694 drop");
    await until(() => states(here).join() === only("one-way", 4));
    // Adverts of this node come no more, and the other end says so: it is the fourth there.
    await until(() => states(there)[3] === "silent");
    assert.equal(there.status()[3]?.heardByPeer, true);
    mend();
    await until(() => states(here).join() === only("hearing", 4));
    await until(() => states(there).every((state) => state === "hearing"));
    await pause(600);
    assert.equal(here.status()[4]?.peerLossPercent, 0, "its silence is no loss");
  });

  test("loss on one path is counted there, from both ends, and nowhere else", async () => {
    dropThere("ip saddr 10.9.0.30 udp dport 6694 numgen random mod 100 < 40 drop");
    await pause(140 * KEEPALIVE_MS);
    const mine = here.status().map(({ peerLossPercent }) => Math.round(peerLossPercent ?? -1));
    const theirs = there.status().map(({ lossPercent }) => Math.round(lossPercent ?? -1));
    console.log(`peer says ${mine.join()} %; it counts ${theirs.join()} %`);
    mend();
    assert.ok(mine[1] !== undefined && mine[1] > 20 && mine[1] < 60);
    assert.deepEqual(
      mine.filter((_, i) => i !== 1),
      Array.from({ length: 7 }, () => 0),
    );
    assert.ok(theirs[6] !== undefined && theirs[6] > 20 && theirs[6] < 60);
  });

  test("appliance.yaml takes link-local paths with their link, on both ends or neither", () => {
    const judge = (local: string, peer: string) =>
      parseAppliance(
        `node: { name: a, designation: primary }\npeer:\n  name: b\n  paths: [{ local: "${local}", peer: "${peer}" }]\n  ssh: { address: 10.0.0.2 }\n`,
      );
    const good = judge("fe80::1%eth1", "FE80:0::2%eth1");
    assert.ok(good.ok, JSON.stringify(good));
    assert.deepEqual(good.value.peer?.paths, [{ local: "fe80::1%eth1", peer: "fe80::2%eth1" }]);
    for (const [local, peer] of [
      ["fe80::1", "fe80::2"],
      ["fe80::1%eth1", "fe80::2"],
      ["fe80::1%eth1", "fe80::2%eth2"],
      ["fe80::1%eth1", "fd00::2"],
      ["fd00::1%eth1", "fd00::2%eth1"],
      ["fe80::1%a b", "fe80::2%a b"],
    ] as const) {
      const refused = judge(local, peer);
      assert.ok(!refused.ok, `${local} ${peer}`);
    }
  });
});
