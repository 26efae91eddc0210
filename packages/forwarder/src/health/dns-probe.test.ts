// dns-probe.test.ts — a name server played here, and everything it may answer.
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { type TestContext, test } from "node:test";
import type { CheckOf } from "@lbpair/common";
import { dnsProbe, judgeRecords } from "./dns-probe.js";
import { closedPort, contextOf, singlePorts, targetFor, times } from "./testing.js";

const dns = (changes: Partial<CheckOf<"dns">> = {}): CheckOf<"dns"> => ({
  type: "dns",
  name: "vna.example.org",
  record: "A",
  ...times(600),
  ...changes,
});

interface Played {
  readonly port: number;
  readonly from: string[];
}

/** Answers every question with `code` and, where that is 0, one A record of this address. */
async function nameServer(t: TestContext, code: number, address?: string): Promise<Played> {
  const socket = createSocket("udp4");
  const from: string[] = [];
  socket.on("message", (request, asker) => {
    from.push(asker.address);
    // The question ends with a NUL of the name, type and class.
    const question = request.subarray(12, request.indexOf(0, 12) + 5);
    const record =
      address === undefined
        ? Buffer.alloc(0)
        : Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split(".").map(Number)]);
    const head = Buffer.alloc(12);
    request.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | code, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(record.length === 0 ? 0 : 1, 6);
    socket.send(Buffer.concat([head, question, record]), asker.port, asker.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  t.after(() => socket.close());
  return { port: socket.address().port, from };
}

const ask = (port: number, changes: Partial<CheckOf<"dns">> = {}, source?: string) =>
  dnsProbe(targetFor(dns(changes), { vports: singlePorts(port) }), { ...contextOf(), source })
    .result;

test("H1 dns: a record passes, one with another content does not, and each check asks anew", async (t) => {
  const { port, from } = await nameServer(t, 0, "192.168.100.110");
  assert.deepEqual(await ask(port), { passed: true, reason: "A 192.168.100.110" });
  assert.equal((await ask(port, { answer: "192.168.100." }, "127.0.0.7")).passed, true);
  assert.deepEqual(from, ["127.0.0.1", "127.0.0.7"]);
  assert.equal(
    (await ask(port, { answer: "10.0." })).reason,
    'want a record A with "10.0.", got 192.168.100.110',
  );
});

test("dns: no such name, no record, refusal, failure, a closed port and silence are told apart", async (t) => {
  const reasonOf = async (code: number): Promise<string> =>
    (await ask((await nameServer(t, code)).port)).reason;
  const wants = "want a record A of vna.example.org";
  assert.equal(await reasonOf(3), `${wants}, got no such name (NXDOMAIN)`);
  assert.equal(await reasonOf(0), `${wants}, got no such record`);
  assert.equal(await reasonOf(5), `${wants}, got REFUSED`);
  assert.equal(await reasonOf(2), `${wants}, got SERVFAIL`);
  assert.equal((await ask(await closedPort())).reason, `${wants}, got refused`);
  const silent = createSocket("udp4");
  await new Promise<void>((resolve) => silent.bind(0, "127.0.0.1", resolve));
  t.after(() => silent.close());
  const started = performance.now();
  const late = await ask(silent.address().port);
  t.diagnostic(`${Math.round(performance.now() - started)} ms`);
  assert.deepEqual([late.reason, late.timedOut], [`${wants} within 600 ms, got no answer`, true]);
});

test("records of every kind are one line", () => {
  const shown = (record: CheckOf<"dns">["record"], found: unknown): string =>
    judgeRecords(found, dns({ record })).reason;
  assert.equal(shown("MX", [{ exchange: "mail.org", priority: 10 }]), "MX 10 mail.org");
  assert.equal(shown("TXT", [["v=spf1", " -all"]]), "TXT v=spf1 -all");
  assert.match(
    shown("SOA", { nsname: "ns.org", hostmaster: "root.org", serial: 5 }),
    /^SOA ns.org/,
  );
});
