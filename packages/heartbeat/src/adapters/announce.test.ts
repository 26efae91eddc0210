// announce.test.ts — promises of announce.ts.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { ANNOUNCE_AT_MS, createAnnouncer } from "./announce.js";

const MAC = "02:00:00:00:00:01";
const VIP = { address: "10.2.0.100", linkIndex: 3, mac: MAC };
const GATEWAY = { address: "10.1.0.254", linkIndex: 2, mac: MAC };
const SIX = { address: "fd00::1", linkIndex: 3, mac: MAC };

/** An announcer on stopped time; what is sent is noted as "milliseconds link". */
function stage(options: { mayAnnounce?: () => boolean; fail?: () => boolean } = {}) {
  mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const sent: string[] = [];
  const announcer = createAnnouncer({
    ...(options.mayAnnounce === undefined ? {} : { mayAnnounce: options.mayAnnounce }),
    openSocket: () => ({
      send: (link) => {
        if (options.fail?.()) throw new Error("ENETDOWN");
        sent.push(`${now} ${link}`);
      },
      close: () => undefined,
    }),
  });
  const wait = (ms: number) => {
    for (const end = now + ms; now < end; ) {
      now += 1;
      mock.timers.tick(1);
    }
  };
  return { announcer, sent, wait };
}

test("each round sends all addresses back to back, request and reply, at the times of the plan", () => {
  const { announcer, sent, wait } = stage();
  announcer.announce([VIP, GATEWAY, SIX]);
  assert.deepEqual(
    sent,
    ["0 3", "0 2", "0 3", "0 3", "0 2"],
    "a frame of each, then the second, before announce returns",
  );
  wait(10_000);
  const times = [...new Set(sent.map((each) => Number(each.split(" ")[0])))];
  assert.deepEqual(times, [0, 20, 70, 170, 370, 770, 2000, 5000]);
  assert.equal(sent.length, 5 * ANNOUNCE_AT_MS.length);
  mock.timers.reset();
});

test("a new burst replaces the running one, and stop ends it", () => {
  const { announcer, sent, wait } = stage();
  announcer.announce([VIP]);
  wait(100);
  sent.length = 0;
  announcer.announce([GATEWAY]);
  wait(30);
  announcer.stop();
  wait(10_000);
  assert.deepEqual(sent, ["100 2", "100 2", "120 2", "120 2"]);
  mock.timers.reset();
});

test("a frame that is refused is counted and keeps nothing else from being sent", () => {
  let failures = 2;
  const { announcer, sent } = stage({ fail: () => failures-- > 0 });
  announcer.announce([VIP, GATEWAY]);
  announcer.close();
  assert.deepEqual(sent, ["0 3", "0 2"]);
  assert.deepEqual({ ...announcer.counters }, { sent: 2, failed: 2 });
  assert.equal(announcer.lastError, "ENETDOWN");
  mock.timers.reset();
});

test("a round without permission sends nothing; the next one asks again", () => {
  let may = false;
  const { announcer, sent, wait } = stage({ mayAnnounce: () => may });
  announcer.announce([VIP]);
  may = true;
  wait(25);
  assert.deepEqual(sent, ["20 3", "20 3"]);
  announcer.stop();
  mock.timers.reset();
});
