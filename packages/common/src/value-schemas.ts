// value-schemas.ts — the values that fields hold; each says in its error what it wants.
import { z } from "zod";
import { isHostAddress, isLinkLocal, normalAddress, normalNetwork } from "./address.js";
import { parseDuration } from "./duration.js";
import { parseMoment } from "./moment.js";
import { PORT_MAX, type PortRange, parsePortRange } from "./ports.js";

export const LABEL_CHARACTERS_MAX = 64;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Names of fields whose values no message and no plan shows. */
export const SECRET_FIELDS: ReadonlySet<string> = new Set(["password", "secret"]);
/** What is shown instead. */
export const NOT_SHOWN = "(not shown)";

const wants = (want: string) => ({ error: want });

/** A name that is safe in files, commands and on screens. */
export const label = z
  .string(wants("a label"))
  .refine((text) => LABEL.test(text) && text.length <= LABEL_CHARACTERS_MAX, {
    error: `a label of letters, digits, '.', '_' and '-', at most ${LABEL_CHARACTERS_MAX} characters`,
  });

/** Parses a scalar with a function that answers undefined for a bad value. */
function parsed<In extends z.ZodType, Out>(
  input: In,
  want: string,
  parse: (value: z.output<In>) => Out | undefined,
) {
  return input.transform((value, context) => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.issues.push({ code: "custom", message: want, input: value });
    return z.NEVER;
  });
}

export const ipAddress = parsed(
  z.string(wants("an IP address")),
  "an IPv4 or IPv6 address of a host, e.g. 192.168.200.100",
  (text): string | undefined => {
    const address = normalAddress(text);
    return address !== undefined && isHostAddress(address) ? address : undefined;
  },
);

/** A link-local address is one only together with its link, which is this node's: `fe80::2%eth1`. */
function linkLocalAddress(text: string): string | undefined {
  const [address = "", link = "", ...more] = text.split("%");
  const normal = normalAddress(address);
  const plain = more.length === 0 && /^[^\s/]{1,15}$/.test(link);
  return normal !== undefined && plain && isLinkLocal(normal) ? `${normal}%${link}` : undefined;
}

export const pathAddress = parsed(
  z.string(wants("an IP address")),
  "an IPv4 or IPv6 address of a host, e.g. 192.168.200.1; a link-local one with its link, e.g. fe80::1%eth1",
  (text): string | undefined => {
    const address = normalAddress(text);
    if (address === undefined) return linkLocalAddress(text);
    return isHostAddress(address) ? address : undefined;
  },
);

/** Services forward IPv4 in this version. */
export const ipv4Address = parsed(
  z.string(wants("an IPv4 address")),
  "an IPv4 address of a host, e.g. 192.168.200.100",
  (text): string | undefined => {
    const address = normalAddress(text);
    if (address === undefined || address.includes(":")) return undefined;
    return isHostAddress(address) ? address : undefined;
  },
);

/** Of the services' family. */
export const ipv4Network = parsed(
  z.string(wants("a network")),
  "an IPv4 network without bits beyond its length, e.g. 192.168.100.0/24 or 192.168.100.7/32",
  (text): string | undefined => {
    const network = normalNetwork(text);
    return network === undefined || network.includes(":") ? undefined : network;
  },
);

export const duration = (leastMs: number, mostMs: number, want: string) =>
  parsed(
    z.string(wants(`a duration ${want}, like 200ms, 1s or 5m`)),
    `a duration ${want}`,
    (text) => {
      const value = parseDuration(text);
      return value !== undefined && value >= leastMs && value <= mostMs ? value : undefined;
    },
  );

const MOMENT_WANT = "a point in time in UTC, e.g. 2026-11-30T18:00:00Z";

/** Stays the text that it is: files are written as they are read. */
export const moment = z
  .string(wants(MOMENT_WANT))
  .refine((text) => parseMoment(text) !== undefined, { error: MOMENT_WANT });

export const portRange = parsed(
  z.union([z.number(), z.string()], wants(`a port or a range of ports, 1-${PORT_MAX}`)),
  `a port or a range of ports, 1-${PORT_MAX}, e.g. 12000 or 12300-12301`,
  (value): PortRange | undefined => parsePortRange(value),
);

/** A server's port: 0 or absent = the port the client used. */
export const serverPort = z
  .number(wants(`a port, 0-${PORT_MAX} (0 = the port the client used)`))
  .int(`a port, 0-${PORT_MAX} (0 = the port the client used)`)
  .min(0, `a port, 0-${PORT_MAX} (0 = the port the client used)`)
  .max(PORT_MAX, `a port, 0-${PORT_MAX} (0 = the port the client used)`);

export const port = z
  .number(wants(`a port, 1-${PORT_MAX}`))
  .int(`a port, 1-${PORT_MAX}`)
  .min(1, `a port, 1-${PORT_MAX}`)
  .max(PORT_MAX, `a port, 1-${PORT_MAX}`);

export const count = (least: number, most: number) => {
  const want = `a whole number, ${least}-${most}`;
  return z.number(wants(want)).int(want).min(least, want).max(most, want);
};

export const bool = z.boolean(wants("true or false"));

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, wants(`one of ${values.join(", ")}`));

export const numberOf = (values: readonly number[]) => {
  const want = `one of ${[...values].sort((a, b) => a - b).join(", ")}`;
  return z.number(wants(want)).refine((value) => values.includes(value), { error: want });
};

/** One printable line. */
export const line = (charactersMax: number) =>
  z
    .string(wants("a text of one line"))
    .refine((text) => text.length > 0 && text.length <= charactersMax && !/\p{Cc}/u.test(text), {
      error: `one line of 1-${charactersMax} characters without control characters`,
    });

/** Text that is sent or looked for; it may hold control characters, e.g. "\r\n". */
export const bytesText = (charactersMax: number) =>
  z
    .string(wants(`a text of 1-${charactersMax} characters`))
    .min(1, `a text of 1-${charactersMax} characters`)
    .max(charactersMax, `a text of 1-${charactersMax} characters`);

const PATTERN_CHARACTERS_MAX = 1000;
const isPattern = (text: string): boolean => {
  try {
    return new RegExp(text, "su").source.length <= PATTERN_CHARACTERS_MAX;
  } catch {
    return false;
  }
};

/** A regular expression of JavaScript; `.` is any character, a line's end too. */
export const regularExpression = line(PATTERN_CHARACTERS_MAX).refine(isPattern, {
  error: `a regular expression of JavaScript, at most ${PATTERN_CHARACTERS_MAX} characters`,
});

/** A DICOM application entity's title (PS3.5 section 6.2, AE): spaces around it mean nothing. */
export const aeTitle = z.string(wants("an AE title of 1-16 characters")).refine(
  // The backslash separates values.
  (text) => /^[ -[\]-~]{1,16}$/.test(text) && text.trim() === text,
  { error: "an AE title of 1-16 printable ASCII characters without backslash" },
);
