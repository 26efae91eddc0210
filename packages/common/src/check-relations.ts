// check-relations.ts — relations between the fields of one check that no single field shows.
import { formatDuration } from "./duration.js";
import type { Loose } from "./loose-parse.js";
import type { Problem } from "./problems.js";
import type { ServicesConfig } from "./services-schema.js";

type Found = Omit<Problem, "file" | "line">;
type LooseService = Loose<ServicesConfig["virtualServices"][number]>;
type LooseCheck = NonNullable<LooseService["check"]>;

/** Kinds of checks that speak TCP to the service's own port where none is given. */
const OVER_TCP: ReadonlySet<unknown> = new Set(["tcp", "http", "smtp", "ldap", "dicom"]);

/** A check has to end before the next one starts. */
function checkTimes(check: LooseCheck, path: string): Found[] {
  if (!("timeout" in check) || check.timeout === undefined) return [];
  const { interval, failingInterval, timeout } = check;
  const late = (name: string, than: number): Found => ({
    code: "timing",
    path: `${path}.timeout`,
    want: `less than the ${name} of ${formatDuration(than)}`,
    got: formatDuration(timeout),
  });
  if (interval !== undefined && timeout >= interval) return [late("interval", interval)];
  if (failingInterval !== undefined && timeout >= failingInterval) {
    return [late("failingInterval", failingInterval)];
  }
  return [];
}

type Miss = (name: string, want: string, got: string) => Found;

const checkStartTls = (
  check: { readonly tls?: boolean | undefined; readonly startTls?: boolean | undefined },
  miss: Miss,
): Found[] =>
  check.tls === true && check.startTls === true
    ? [miss("startTls", "false where tls is true: one connection has one beginning", "true")]
    : [];

/** Fields that mean nothing, or something nobody wants, without another one. */
function checkPartners(check: LooseCheck, path: string): Found[] {
  const miss: Miss = (name, want, got) => ({
    code: "contradiction",
    path: `${path}.${name}`,
    want,
    got,
  });
  switch (check.type) {
    case "smtp":
      return checkStartTls(check, miss);
    case "ldap": {
      const { bindDn, password } = check;
      // RFC 4513 section 5.1.2: a name without a password is accepted by many servers as nobody.
      if (bindDn !== undefined && password === undefined) {
        return [miss("bindDn", "a bindDn with its password, or neither", "no usable password")];
      }
      return bindDn === undefined && password !== undefined
        ? [miss("password", "a password with its bindDn, or neither", "no usable bindDn")]
        : checkStartTls(check, miss);
    }
    case "radius":
      return (check.user === undefined) === (check.password === undefined)
        ? []
        : [
            miss(
              check.user === undefined ? "password" : "user",
              "a user and a password, or neither",
              `no usable ${check.user === undefined ? "user" : "password"}`,
            ),
          ];
    case "http": {
      const found: Found[] = [];
      if (check.headerText !== undefined && check.header === undefined) {
        found.push(miss("headerText", "a header to look for it in", "no header"));
      }
      const body = check.text === undefined ? check.pattern && "pattern" : "text";
      if (check.method === "HEAD" && body !== undefined && body !== "") {
        found.push(miss(body, "a method whose answers have a body, e.g. GET", "HEAD"));
      }
      if (check.tls === false && check.sni !== undefined) {
        found.push(miss("sni", "tls: true, which sends it", "tls: false"));
      }
      return found;
    }
    case "tcp":
    case "dicom":
      return check.tls === false && check.sni !== undefined
        ? [miss("sni", "tls: true, which sends it", "tls: false")]
        : [];
    default:
      return [];
  }
}

/** More ports than there are can never accept. */
function checkNeeded(service: LooseService, check: LooseCheck, place: string): Found[] {
  if (check.type !== "connect" || typeof check.needed !== "number") return [];
  const ports = (service.ports ?? []).reduce(
    (sum, range) => sum + (range?.last ?? 0) - (range?.first ?? 0) + 1,
    0,
  );
  if (check.needed <= ports) return [];
  const want = `at most ${ports}, the service's ports`;
  return [{ code: "contradiction", path: `${place}.needed`, want, got: `${check.needed}` }];
}

/** What is wrong with a service's check; `path` is the service's. */
export function checkCheck(service: LooseService, path: string): Found[] {
  const { check } = service;
  if (check === undefined) return [];
  const place = `${path}.check`;
  const found = [...checkTimes(check, place), ...checkPartners(check, place)];
  const ownPort = "port" in check && check.port !== undefined;
  const tcpOnly = check.type === "connect" || (OVER_TCP.has(check.type) && !ownPort);
  found.push(...checkNeeded(service, check, place));
  if (service.protocol === "udp" && tcpOnly) {
    const want = "a check that can reach a udp service, e.g. ping or external";
    const got = JSON.stringify(check.type);
    found.push({ code: "contradiction", path: `${place}.type`, want, got });
  }
  return found;
}
