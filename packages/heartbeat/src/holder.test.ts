import assert from "node:assert/strict";
import { test } from "node:test";
import { parseServices } from "@lbpair/common";
import { type Addresses, AddressesError, type LinkState } from "./adapters/addresses.js";
import { Holder } from "./holder.js";

const VIP = "192.168.200.100";
const parsed = parseServices(`floatingIps: [ { label: VNA, address: ${VIP} } ]`);
assert.ok(parsed.ok);
const services = parsed.value;

const link = (own: readonly string[], name = "eth1"): LinkState => ({
  link: name,
  index: 2,
  mac: "02:00:00:00:00:01",
  carrier: true,
  networks: own.map((address) => ({ address, prefixLength: address === VIP ? 32 : 24 })),
});

/** Addresses of a machine whose links are what `links` says, and whose \`ip\` may refuse. */
function machine(links: () => LinkState[], refuses = () => false) {
  const raise = async () => {
    if (!refuses()) return;
    const on = { address: VIP, prefix: 32, link: "eth1" };
    throw new AddressesError("raise", [{ on, because: "Operation not permitted" }]);
  };
  const addresses: Addresses = {
    raise,
    prolong: raise,
    lower: async () => undefined,
    present: async () => [],
    networks: async () => links(),
    close: () => undefined,
  } as Addresses;
  return new Holder(addresses);
}

test("a link that loses its own address keeps the floating IPs that stand on it, and counts as a fault", async () => {
  let links = [link(["192.168.200.1"])];
  const holder = machine(() => links);
  await holder.look(services);
  await holder.raise(null);
  assert.equal(holder.faults(), 0);
  links = [link([VIP])];
  await holder.look(services);
  assert.deepEqual(holder.gateLinks(), ["eth1"], "the gate goes on covering it");
  assert.equal(holder.faults(), 1);
  links = [link(["10.0.0.1"], "eth2")];
  await holder.look(services);
  assert.deepEqual(holder.gateLinks(), [], "with the link the place is gone");
  links = [link(["192.168.200.1"])];
  await holder.look(services);
  assert.equal(holder.faults(), 0);
});

test("a floating IP that never stood anywhere gets no place where no network has it", async () => {
  const holder = machine(() => [link(["10.0.0.1"])]);
  await holder.look(services);
  assert.deepEqual(holder.placed, []);
  assert.equal(holder.faults(), 1);
});

test("addresses that cannot be raised are faults until they can", async () => {
  let refuses = true;
  const holder = machine(
    () => [link(["192.168.200.1"])],
    () => refuses,
  );
  await holder.look(services);
  await assert.rejects(holder.raise(null), /Operation not permitted/);
  assert.equal(holder.faults(), 1);
  refuses = false;
  await holder.prolong(1000);
  assert.equal(holder.faults(), 0);
});

test("a floating IP that the configuration no longer names is lowered, whichever look noticed it", async () => {
  const lowered: string[] = [];
  const there = { address: VIP, prefix: 32, link: "eth1", validLifetimeSeconds: null };
  const holder = new Holder({
    networks: async () => [link(["192.168.200.1"])],
    present: async () => [there],
    lower: async (all: readonly { readonly address: string }[]) => {
      lowered.push(...all.map(({ address }) => address));
    },
  } as unknown as Addresses);
  const none = parseServices("floatingIps: []");
  assert.ok(none.ok);
  await holder.look(services);
  await holder.lowerRetired();
  assert.deepEqual(lowered, []);
  // News of a link, between the configuration's arrival and the order to follow it.
  await holder.look(none.value);
  await holder.look(none.value);
  await holder.lowerRetired();
  await holder.lowerRetired();
  assert.deepEqual(lowered, [VIP]);
});
