// check-schema.ts — how the health of a service's servers is found out: every kind of check and its fields.
import { z } from "zod";
import { seconds } from "./duration.js";
import { replicated, section } from "./field.js";
import { PORT_MAX, type PortRange } from "./ports.js";
import {
  aeTitle,
  bool,
  bytesText,
  count,
  duration,
  label,
  line,
  oneOf,
  port,
  regularExpression,
} from "./value-schemas.js";

const INTERVAL_WANT = "of 100ms to 1h";

const counting = {
  interval: replicated(
    "From the start of one check to the start of the next",
    duration(100, 3_600_000, INTERVAL_WANT).default(seconds(10)),
  ),
  failingInterval: replicated(
    "The same while the last check of the server failed; the interval where absent",
    duration(100, 3_600_000, INTERVAL_WANT).optional(),
  ),
  timeout: replicated(
    "A check that lasts longer has failed; shorter than the interval",
    duration(10, 600_000, "of 10ms to 10m").default(seconds(5)),
  ),
  failures: replicated(
    "Consecutive failures that make a server unhealthy",
    count(1, 1000).default(3),
  ),
  successes: replicated(
    "Consecutive successes that make it healthy again",
    count(1, 1000).default(1),
  ),
};

/** Of kinds that ask one port. */
const onePort = {
  port: replicated(
    "Port asked; the server's own, or the service's first port, where absent",
    port.optional(),
  ),
};

const tls = replicated(
  "Whether to speak TLS from the start (HTTPS, SMTPS, LDAPS); the certificate is not verified",
  bool.default(false),
);
const startTls = replicated(
  "Whether to begin plainly and go over to TLS by STARTTLS; the certificate is not verified",
  bool.default(false),
);
const pattern = replicated(
  "Regular expression that the body or answer has to match somewhere",
  regularExpression.optional(),
);
const sni = replicated(
  "The name that TLS asks for (SNI); that of the host header, if any, where absent",
  line(253).optional(),
);

const checkType = <const T extends string>(type: T, doc: string) =>
  replicated(doc, z.literal(type));

const STATUS_WANT = "an HTTP status or a range of them, 100-599, e.g. 200 or 200-399";

/** `200`, or `200-399`. */
const httpStatus = z
  .union([z.number(), z.string()], { error: STATUS_WANT })
  .transform((value, context): PortRange => {
    const [, from, to] = /^(\d{3})(?:-(\d{3}))?$/.exec(String(value)) ?? [];
    const range = { first: Number(from), last: Number(to ?? from) };
    if (range.first >= 100 && range.last <= 599 && range.first <= range.last) return range;
    context.issues.push({ code: "custom", message: STATUS_WANT, input: value });
    return z.NEVER;
  });

const headerName = line(100).refine((text) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text), {
  error: "the name of a header, e.g. X-Health",
});

const http = section({
  type: checkType("http", "The server answers an HTTP request as expected"),
  method: replicated("How it is asked", oneOf(["GET", "HEAD", "OPTIONS"]).default("GET")),
  path: replicated(
    "What is asked for",
    line(2000)
      .refine((text) => text.startsWith("/") && /^[\x21-\x7e]+$/.test(text), {
        error: "a path that begins with / and has no spaces, at most 2000 characters of ASCII",
      })
      .default("/"),
  ),
  host: replicated(
    "The host header; the server's address and port where absent",
    line(253).optional(),
  ),
  status: replicated(
    "The status that is right, or a range such as 200-399",
    httpStatus.prefault(200),
  ),
  text: replicated("Text the body has to contain", line(1000).optional()),
  pattern,
  header: replicated("Name of a header the answer has to have", headerName.optional()),
  headerText: replicated("Text that header has to contain", line(1000).optional()),
  ...onePort,
  tls,
  sni,
  ...counting,
});

const tcp = section({
  type: checkType("tcp", "The server answers on a TCP connection what is expected"),
  send: replicated('Text sent once connected, e.g. "PING\\r\\n"', bytesText(1000).optional()),
  expect: replicated("Text its answer has to contain", bytesText(1000).optional()),
  pattern,
  ...onePort,
  tls,
  sni,
  ...counting,
});

const smtp = section({
  type: checkType("smtp", "A mail server greets and accepts EHLO"),
  hello: replicated(
    "The name said in EHLO",
    line(253)
      .refine((text) => /^[\x21-\x7e]+$/.test(text), { error: "a host's name" })
      .default("lbpair"),
  ),
  ...onePort,
  tls,
  startTls,
  ...counting,
});

const dns = section({
  type: checkType("dns", "A name server answers a question"),
  name: replicated("The name asked for", line(253)),
  record: replicated(
    "The kind of record asked for",
    oneOf(["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"]).default("A"),
  ),
  answer: replicated("Text that one of the records has to contain", line(1000).optional()),
  ...onePort,
  ...counting,
});

const ldap = section({
  type: checkType("ldap", "A directory server accepts a simple bind"),
  bindDn: replicated("As whom to bind; anonymous where absent", line(1000).optional()),
  password: replicated("The password of that entry", line(200).optional()),
  ...onePort,
  tls,
  startTls,
  ...counting,
});

const radius = section({
  type: checkType("radius", "A RADIUS server answers with a true signature"),
  secret: replicated("The secret shared with the server", line(128)),
  user: replicated(
    "Who logs in; where absent the server's status is asked (RFC 5997)",
    line(253).optional(),
  ),
  password: replicated("The password of that user", line(128).optional()),
  accept: replicated(
    "Which answer passes: an Access-Accept, or any that is signed, a rejection too",
    oneOf(["accept", "any"]).default("accept"),
  ),
  nasIdentifier: replicated("Who asks (NAS-Identifier)", line(253).default("lbpair")),
  ...onePort,
  ...counting,
});

const dicom = section({
  type: checkType("dicom", "An application entity accepts an association and answers C-ECHO"),
  calledAe: replicated("The AE title that is called", aeTitle.default("ANY-SCP")),
  callingAe: replicated("The AE title that calls", aeTitle.default("LBPAIR")),
  ...onePort,
  tls,
  sni,
  ...counting,
});

const NEEDED_WANT = "all, any, or a number of ports, 1-65535";
const portsNeeded = z.union([z.enum(["all", "any"]), z.number().int().min(1).max(PORT_MAX)], {
  error: NEEDED_WANT,
});

const TYPES = "external, connect, ping, http, tcp, smtp, dns, ldap, radius, dicom, on or off";

export const checkSchema = z.discriminatedUnion(
  "type",
  [
    section({
      type: checkType("external", "A script of health-checks/; exit code 0 = healthy"),
      script: replicated("Name of the script", label),
      ...counting,
    }),
    section({
      type: checkType("connect", "The ports of the service accept a TCP connection"),
      needed: replicated(
        "How many of the ports have to accept: all (where absent), any (one is enough), or a number",
        portsNeeded.optional(),
      ),
      ...counting,
    }),
    section({ type: checkType("ping", "The server answers an ICMP echo"), ...counting }),
    http,
    tcp,
    smtp,
    dns,
    ldap,
    radius,
    dicom,
    section({ type: checkType("on", "No checks, always on") }),
    section({ type: checkType("off", "Always off") }),
  ],
  {
    error: (issue) =>
      issue.code === "invalid_union"
        ? `a check with a type: ${TYPES}`
        : "a check: a section with a type",
  },
);

export type CheckConfig = z.output<typeof checkSchema>;
/** The check of one type. */
export type CheckOf<T extends CheckConfig["type"]> = Extract<CheckConfig, { type: T }>;
