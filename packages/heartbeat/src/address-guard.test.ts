import assert from "node:assert/strict";
import { test } from "node:test";
import { parseServices, systemClock } from "@lbpair/common";
import type { Addresses, LinkState } from "./adapters/addresses.js";
import type { VirtualLinks } from "./adapters/virtual-link.js";
import { AddressGuard } from "./address-guard.js";
import { Holder } from "./holder.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import { VirtualMacs } from "./virtual-macs.js";

const link = (carrier: boolean): LinkState => ({
  link: "eth1",
  index: 2,
  mac: "02:00:00:00:00:01",
  carrier,
  networks: [{ address: "192.168.200.1", prefixLength: 24 }],
});

test("a link that comes back while the guard is looking is looked at again", async () => {
  const services = parseServices("floatingIps: [ { label: g, address: 192.168.200.100 } ]");
  assert.ok(services.ok);
  const answers: ((carrier: boolean) => void)[] = [];
  const addresses = {
    networks: () =>
      new Promise<LinkState[]>((resolve) => {
        answers.push((carrier) => resolve([link(carrier)]));
      }),
  } as unknown as Addresses;
  const holder = new Holder(addresses);
  const healths: number[] = [];
  const guard = new AddressGuard({
    clock: systemClock,
    events: { record: () => undefined } as never,
    lease: { open: () => Promise.resolve() } as unknown as LeaseKeeper,
    holder,
    services: () => services.value,
    holds: () => false,
    answers: () => false,
    leaseLength: () => "unlimited",
    perform: async () => undefined,
    onHealth: () => healths.push(holder.faults()),
    onError: (error) => assert.fail(String(error)),
  });
  const down = { kind: "link-down", link: "eth1", linkIndex: 2 } as const;
  guard.onLink(down);
  guard.onLink({ ...down, kind: "link-up" });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  answers[0]?.(false);
  await turn();
  assert.equal(answers.length, 2, "the news that came meanwhile makes it look once more");
  answers[1]?.(true);
  await turn();
  console.log(`faults as they were told: ${healths.join(", ")}`);
  assert.deepEqual(healths, [1, 0]);
});

test("a virtual MAC that cannot be is one alarm, a problem and a fault, and the gate lets the link's own MAC speak", async () => {
  const services = parseServices("floatingIps: [ { label: g, address: 192.168.200.100 } ]");
  assert.ok(services.ok);
  const addresses = { networks: async () => [link(true)] } as unknown as Addresses;
  const devices: VirtualLinks = {
    make: async (wanted) => new Map(wanted.map((one) => [one.link, "Operation not supported"])),
    remove: async () => undefined,
  };
  const holder = new Holder(addresses, new VirtualMacs(devices));
  const told: string[] = [];
  const gates: number[] = [];
  const guard = new AddressGuard({
    clock: systemClock,
    events: { record: (level: string, event: string) => told.push(`${level} ${event}`) } as never,
    lease: {
      open: async (_links: unknown, _wanted: unknown, virtual: readonly unknown[]) => {
        gates.push(virtual.length);
      },
    } as unknown as LeaseKeeper,
    holder,
    services: () => services.value,
    virtualDigest: () => (text) => Buffer.from(text.padEnd(40)),
    holds: () => false,
    answers: () => false,
    leaseLength: () => "unlimited",
    perform: async () => undefined,
    onHealth: () => undefined,
    onError: (error) => assert.fail(String(error)),
  });
  await guard.look();
  await guard.look();
  assert.deepEqual(told, ["alarm virtual-mac-failed"]);
  assert.deepEqual(gates, [1, 0], "first with the MAC that was to be made, then without");
  assert.equal(holder.faults(), 1);
  assert.deepEqual(
    holder.problems.map(({ code, got }) => `${code}: ${got}`),
    ["virtual-mac: Operation not supported"],
  );
  assert.equal(holder.deviceOf("eth1"), "eth1");
});

test("a thousand floating IPs that somebody removes are raised in a few batches, not in a thousand", async () => {
  const all = Array.from({ length: 1000 }, (_, i) => `192.168.${200 + (i >> 8)}.${i & 255}`);
  const services = parseServices(
    `floatingIps: [ ${all.map((address, i) => `{ label: v${i}, address: ${address} }`).join(", ")} ]`,
  );
  assert.ok(services.ok);
  const there = all.map((address) => ({
    address,
    prefix: 32,
    link: "eth1",
    validLifetimeSeconds: null,
  }));
  const on = { ...link(true), networks: [{ address: "192.168.255.254", prefixLength: 16 }] };
  const holder = new Holder({
    networks: async () => [on],
    present: async () => there,
    raise: async () => undefined,
  } as unknown as Addresses);
  const batches: string[][] = [];
  const done: (() => void)[] = [];
  const guard = new AddressGuard({
    clock: systemClock,
    events: { record: () => undefined } as never,
    lease: { open: async () => undefined } as unknown as LeaseKeeper,
    holder,
    services: () => services.value,
    holds: () => true,
    answers: () => true,
    leaseLength: () => "unlimited",
    perform: (effects) => {
      batches.push(effects.map(({ kind }) => kind));
      return new Promise((resolve) => done.push(resolve));
    },
    onHealth: () => undefined,
    onError: (error) => assert.fail(String(error)),
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await holder.look(services.value);
  await holder.check();
  for (const address of all) {
    guard.onLink({ kind: "address-removed", link: "eth1", linkIndex: 2, address, prefix: 32 });
  }
  assert.equal(batches.length, 1);
  done[0]?.();
  await turn();
  assert.equal(batches.length, 2, "what was removed while the first was under way");
  done[1]?.();
  await turn();
  console.log(`batches: ${JSON.stringify(batches)}`);
  assert.equal(batches.length, 2);
});
