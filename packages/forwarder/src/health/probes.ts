// probes.ts — which check belongs to which type.
import { connectProbe } from "./connect-probe.js";
import { dicomTalk } from "./dicom-talk.js";
import { dnsProbe } from "./dns-probe.js";
import { httpProbe } from "./http-probe.js";
import { ldapTalk } from "./ldap-talk.js";
import { createPingProbe, type PingAsker } from "./ping-probe.js";
import { type Probe, simpleProbe } from "./probe.js";
import { askedPort, sourceFor } from "./question.js";
import { radiusProbe } from "./radius-probe.js";
import { smtpTalk } from "./smtp-talk.js";
import { type StreamQuestion, streamProbe } from "./stream-probe.js";
import { tcpTalk } from "./tcp-talk.js";
import type { CheckTarget } from "./types.js";

/** "on" and "off" are verdicts without checks; the timetable never holds them. */
const noProbe = simpleProbe(async ({ check }) => ({
  passed: check.type === "on",
  reason: `check type ${check.type}`,
}));

/** What a check asks over one connection; undefined for those that do not. */
export function streamQuestion(target: CheckTarget): StreamQuestion | undefined {
  const { check } = target;
  const common = (kind: { readonly port?: number | undefined; readonly timeout: number }) => ({
    port: askedPort(target, kind.port),
    timeoutMs: kind.timeout,
  });
  switch (check.type) {
    case "tcp":
      return { ...common(check), secure: check.tls, serverName: check.sni, begin: tcpTalk(check) };
    case "smtp":
      return { ...common(check), secure: check.tls, begin: smtpTalk(check) };
    case "ldap":
      return { ...common(check), secure: check.tls, begin: ldapTalk(check) };
    case "dicom":
      return {
        ...common(check),
        secure: check.tls,
        serverName: check.sni,
        begin: dicomTalk(check),
      };
    default:
      return undefined;
  }
}

export interface Probes {
  readonly scripts: Probe;
  readonly pings: PingAsker;
  /** The own addresses that checks may come from; none = the kernel's choice. */
  readonly sources: () => readonly string[];
}

export function createProbe({ scripts, pings, sources }: Probes): Probe {
  const byType = probeByType(scripts, createPingProbe(pings));
  return (target, context) =>
    byType(target, { ...context, source: sourceFor(sources(), target.address) });
}

function probeByType(scripts: Probe, ping: Probe): Probe {
  const stream = streamProbe(streamQuestion);
  return (target, context) => {
    switch (target.check.type) {
      case "external":
        return scripts(target, context);
      case "connect":
        return connectProbe(target, context);
      case "ping":
        return ping(target, context);
      case "http":
        return httpProbe(target, context);
      case "tcp":
      case "smtp":
      case "ldap":
      case "dicom":
        return stream(target, context);
      case "dns":
        return dnsProbe(target, context);
      case "radius":
        return radiusProbe(target, context);
      case "on":
      case "off":
        return noProbe(target, context);
      default:
        return target.check satisfies never;
    }
  };
}
