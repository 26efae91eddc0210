// dns-probe.ts — asks a name server one question, and judges its records.
import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { type CheckOf, describeDuration } from "@lbpair/common";
import { simpleProbe } from "./probe.js";
import { askedPort } from "./question.js";
import { firstLine } from "./reason-line.js";
import type { CheckResult } from "./types.js";

/** Questions sent within one timeout. */
const TRIES = 2;

/** What c-ares calls things, for people. */
const WORDS: Readonly<Record<string, string>> = {
  ENODATA: "no such record",
  ENOTFOUND: "no such name (NXDOMAIN)",
  ESERVFAIL: "SERVFAIL",
  EREFUSED: "REFUSED",
  EFORMERR: "FORMERR",
  ENOTIMP: "NOTIMP",
  ECONNREFUSED: "refused",
  EBADRESP: "a broken answer",
};

/** One record as zone files have it: `10 mail.example.org` of an MX, the parts of a TXT joined. */
function recordText(record: unknown): string {
  if (typeof record === "string") return record;
  if (Array.isArray(record)) return record.join("");
  const { exchange, priority, weight, port, name, ...rest } = record as Record<string, unknown>;
  const parts = [priority, weight, port, exchange, name, ...Object.values(rest)];
  return parts.filter((part) => part !== undefined).join(" ");
}

export function judgeRecords(found: unknown, check: CheckOf<"dns">): CheckResult {
  const records = (Array.isArray(found) ? found : [found]).map(recordText);
  const { answer, record } = check;
  const listed = records.join(", ");
  if (answer === undefined || records.some((each) => each.includes(answer))) {
    return { passed: records.length > 0, reason: firstLine(`${record} ${listed}`) };
  }
  return {
    passed: false,
    reason: firstLine(`want a record ${record} with ${JSON.stringify(answer)}, got ${listed}`),
  };
}

export const dnsProbe = simpleProbe(async (target, { signal, source }) => {
  const { check, address } = target;
  if (check.type !== "dns") return { passed: false, reason: `${check.type} asks no name server` };
  const resolver = new Resolver({ timeout: Math.ceil(check.timeout / TRIES), tries: TRIES });
  const host = isIP(address) === 6 ? `[${address}]` : address;
  resolver.setServers([`${host}:${askedPort(target, check.port)}`]);
  if (source !== undefined) {
    if (isIP(source) === 6) resolver.setLocalAddress("0.0.0.0", source);
    else resolver.setLocalAddress(source);
  }
  const cancel = () => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  let late = false;
  const timer = setTimeout(() => {
    setImmediate(() => {
      late = true;
      cancel();
    });
  }, check.timeout);
  try {
    return judgeRecords(await resolver.resolve(check.name, check.record), check);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const wants = `want a record ${check.record} of ${check.name}`;
    if (late || code === "ETIMEOUT") {
      const reason = `${wants} within ${describeDuration(check.timeout)}, got no answer`;
      return { passed: false, reason, timedOut: true };
    }
    return { passed: false, reason: `${wants}, got ${WORDS[code] ?? code}` };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
  }
});
