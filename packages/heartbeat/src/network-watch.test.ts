// network-watch.test.ts — promises of network-watch.ts where raw sockets are not permitted, or links are gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type EventLog, RawSocketError, servicesSchema, systemClock } from "@lbpair/common";
import type { LinkState } from "./adapters/addresses.js";
import { createEars } from "./adapters/ears.js";
import type { WitnessView } from "./core/witness-view.js";
import { Holder } from "./holder.js";
import { NetworkWatch } from "./network-watch.js";

const services = () =>
  servicesSchema.parse({ floatingIps: [{ label: "vip", address: "10.0.0.100" }] });
const LINK: LinkState = {
  link: "e0",
  index: 7,
  mac: "02:00:00:00:00:01",
  carrier: true,
  networks: [{ address: "10.0.0.1", prefixLength: 24 }],
};
const EPERM = 1;
const ENODEV = 19;

const holderOf = (links: LinkState[]) =>
  new Holder({
    raise: async () => undefined,
    lower: async () => undefined,
    prolong: async () => undefined,
    present: async () => [],
    networks: async () => links,
  });

async function watching(errno: number) {
  const views: WitnessView[] = [];
  const events: string[] = [];
  const record: EventLog["record"] = (_, event) => events.push(event);
  const holder = holderOf([LINK]);
  const refuse = (): never => {
    throw new RawSocketError("socket", errno, "");
  };
  const watch = new NetworkWatch({
    clock: systemClock,
    events: { record } as EventLog,
    holder,
    routers: async () => [],
    mayAnnounce: () => true,
    witnessInterval: () => 5,
    onView: (view) => views.push(view),
    forwarded: () => undefined,
    openEars: (options) => createEars({ ...options, openReceiver: refuse, openSocket: refuse }),
  });
  try {
    await holder.look(services());
    watch.plan(services(), []);
    watch.suspect();
    await new Promise((done) => setTimeout(done, 60));
    // As after a reload: what could not be opened is tried again.
    watch.plan(services(), []);
    return { views, events };
  } finally {
    watch.close();
  }
}

test("without the right to raw sockets witnesses are unable, which is said once, and rounds go on", async () => {
  const { views, events } = await watching(EPERM);
  assert.ok(views.length >= 2, `${views.length} views`);
  assert.ok(views.every(({ able }) => !able));
  assert.deepEqual(events, ["witness-unable"]);
});

test("a link that is gone makes nobody unable", async () => {
  const { views, events } = await watching(ENODEV);
  assert.ok(views.every(({ able }) => able));
  assert.deepEqual(events, []);
});

test("a node that stays what it is goes on listening, however many steps the election takes", async () => {
  const begun: number[] = [];
  const openReceiver = () => ({
    poll: () => undefined,
    // A receiver's rhythm begins anew: done at each step, it would never come to a poll.
    setPollMs: (pollMs: number) => void begun.push(pollMs),
    close: () => undefined,
  });
  const holder = holderOf([LINK]);
  const watch = new NetworkWatch({
    clock: systemClock,
    events: { record: () => undefined } as unknown as EventLog,
    holder,
    routers: async () => [],
    mayAnnounce: () => true,
    witnessInterval: () => 5,
    onView: () => undefined,
    forwarded: () => undefined,
    openEars: (options) => createEars({ ...options, openReceiver }),
  });
  try {
    await holder.look(services());
    watch.plan(services(), []);
    for (let step = 0; step < 100; step += 1) watch.setActive(step >= 50);
    for (let step = 0; step < 100; step += 1) watch.setActive(false);
    console.log(`in 200 steps the rhythm began anew ${begun.length} times`);
    assert.equal(begun.length, 0);
  } finally {
    watch.close();
  }
});
