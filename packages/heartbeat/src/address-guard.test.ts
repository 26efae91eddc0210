import assert from "node:assert/strict";
import { test } from "node:test";
import { parseServices, systemClock } from "@lbpair/common";
import type { Addresses, LinkState } from "./adapters/addresses.js";
import { AddressGuard } from "./address-guard.js";
import { Holder } from "./holder.js";
import type { LeaseKeeper } from "./lease-keeper.js";

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
    perform: () => undefined,
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
