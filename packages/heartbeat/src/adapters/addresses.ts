// addresses.ts — floating IPs on and off this node's links, by one `ip` for all of them.
import { CommandError, mustRun, type Run } from "@lbpair/common/light";
import { VIRTUAL_PREFIX } from "../core/virtual-mac.js";
import { parseBatchErrors } from "./ip-errors.js";
import type { IpSession } from "./ip-session.js";

export interface FloatingAddress {
  readonly address: string;
  /** Always 32 or 128 for a floating IP; anything else only to lower what somebody else made. */
  readonly prefix: number;
  readonly link: string;
}

export interface RaisedAddress extends FloatingAddress {
  readonly prefix: 32 | 128;
  /** Seconds until the kernel removes it by itself; null = never. */
  readonly lifetimeSeconds: number | null;
}

export interface PresentAddress extends FloatingAddress {
  /** Seconds left; null = for ever. */
  readonly validLifetimeSeconds: number | null;
}

/** A link with the addresses on it; those of prefix 32 or 128 name no network. */
export interface LinkState {
  readonly link: string;
  readonly index: number;
  /** Undefined where the link has no Ethernet address. */
  readonly mac: string | undefined;
  /** Up, and its other end too. */
  readonly carrier: boolean;
  readonly networks: readonly { readonly address: string; readonly prefixLength: number }[];
  /** Only of a device of ours for a virtual MAC: the link underneath, and whether it was set up. */
  readonly over?: { readonly link: string; readonly up: boolean };
}

/** All of them idempotent; the calls of one object happen one after the other, in order. */
export interface Addresses {
  /** Puts every address on its link, with its lifetime. Throws AddressesError naming those that failed. */
  raise(wanted: readonly RaisedAddress[]): Promise<void>;
  /** Takes every address off; one that is not there is fine. Throws AddressesError. */
  lower(unwanted: readonly FloatingAddress[]): Promise<void>;
  /** Restarts the lifetimes: the same as `raise`, in other words where it fails. */
  prolong(held: readonly RaisedAddress[]): Promise<void>;
  present(): Promise<PresentAddress[]>;
  networks(): Promise<LinkState[]>;
}

/** Addresses that `ip` could not raise or lower; the others of the batch were done. */
export class AddressesError extends Error {
  readonly failures: readonly { readonly on: FloatingAddress; readonly because: string }[];
  constructor(verb: string, failures: AddressesError["failures"]) {
    const each = failures.map(({ on, because }) => `${on.address} on ${on.link} (${because})`);
    super(`cannot ${verb} ${each.join(", ")}`);
    this.name = "AddressesError";
    this.failures = failures;
  }
}

const IP_TIMEOUT_MS = 3000;
const FOREVER = 4_294_967_295;

/**
 * An IPv6 address skips duplicate detection, which would keep it silent for a second, and is
 * deprecated from the start, so that the node never picks it for its own connections (RFC 6724).
 */
export function raiseLine({ address, prefix, link, lifetimeSeconds }: RaisedAddress): string {
  const valid = lifetimeSeconds ?? "forever";
  const preferred = prefix === 128 ? 0 : valid;
  const dad = prefix === 128 ? " nodad" : "";
  return `addr replace ${address}/${prefix} dev ${link}${dad} valid_lft ${valid} preferred_lft ${preferred}`;
}

export const lowerLine = ({ address, prefix, link }: FloatingAddress): string =>
  `addr del ${address}/${prefix} dev ${link}`;

/** Gone already, in the words of iproute2 and of the kernels that explain themselves. */
const NOT_THERE = /Cannot assign requested address|[Aa]ddress not found|Cannot find device/;

interface IpLink {
  readonly ifname: string;
  readonly ifindex: number;
  readonly link?: string;
  readonly address?: string;
  readonly link_type: string;
  readonly flags: readonly string[];
  readonly addr_info: readonly {
    readonly local?: string;
    readonly prefixlen: number;
    readonly valid_life_time: number;
  }[];
}

export function parseLinks(json: string): { links: LinkState[]; present: PresentAddress[] } {
  const listed = (JSON.parse(json) as readonly Partial<IpLink>[]).filter(
    (link): link is IpLink => link.ifname !== undefined && link.addr_info !== undefined,
  );
  const present = listed.flatMap(({ ifname, addr_info }) =>
    addr_info.map((on) => ({
      address: on.local ?? "",
      prefix: on.prefixlen,
      link: ifname,
      validLifetimeSeconds: on.valid_life_time === FOREVER ? null : on.valid_life_time,
    })),
  );
  const links = listed.map((link) => ({
    link: link.ifname,
    index: link.ifindex,
    mac: link.link_type === "ether" ? link.address : undefined,
    carrier: link.flags.includes("UP") && link.flags.includes("LOWER_UP"),
    networks: link.addr_info.map((on) => ({ address: on.local ?? "", prefixLength: on.prefixlen })),
    ...(link.link !== undefined && link.ifname.startsWith(VIRTUAL_PREFIX)
      ? { over: { link: link.link, up: link.flags.includes("UP") } }
      : {}),
  }));
  return { links, present };
}

/** `session` does all of it; without one, and where something failed, a call is a process of its own. */
export function createAddresses(run: Run, session?: IpSession): Addresses {
  // One at a time: a prolongation must not overtake a lowering and put the address back.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  /** What `ip` said of the lines that failed, by line from 1. */
  const perform = async (lines: readonly string[]): Promise<ReadonlyMap<number, string>> => {
    const failed = (await session?.perform(lines)) ?? "no-answer";
    if (failed !== "no-answer" && failed.size === 0) return failed;
    // A fresh process knows the links of now, and its word counts.
    session?.renew();
    const result = await run(["ip", "-force", "-batch", "-"], {
      input: `${lines.join("\n")}\n`,
      timeoutMs: IP_TIMEOUT_MS,
    });
    if (result.code === 0) return new Map();
    const errors = parseBatchErrors(result.stderr);
    if (errors.size === 0) throw new CommandError(result);
    return errors;
  };
  const batch = async (
    verb: string,
    all: readonly FloatingAddress[],
    lines: readonly string[],
    forgiven: RegExp | undefined,
  ): Promise<void> => {
    if (lines.length === 0) return;
    const errors = await perform(lines);
    const failures = all.flatMap((on, i) => {
      const because = errors.get(i + 1);
      return because === undefined || forgiven?.test(because) ? [] : [{ on, because }];
    });
    if (failures.length > 0) throw new AddressesError(verb, failures);
  };
  const listAnew = async () =>
    (await mustRun(run, ["ip", "-j", "addr"], { timeoutMs: IP_TIMEOUT_MS })).stdout;
  let known = "";
  const list = async () => {
    const said = (await session?.list("addr")) ?? "no-answer";
    const listed = parseLinks(said === "no-answer" ? await listAnew() : said);
    // A session remembers which name is which link.
    const names = listed.links.map(({ link, index }) => `${index} ${link}`).join();
    if (names !== known) session?.renew();
    known = names;
    return listed;
  };
  const raise = (verb: string, wanted: readonly RaisedAddress[]) =>
    batch(verb, wanted, wanted.map(raiseLine), undefined);
  return {
    raise: (wanted) => inTurn(() => raise("raise", wanted)),
    prolong: (held) => inTurn(() => raise("prolong", held)),
    lower: (unwanted) => inTurn(() => batch("lower", unwanted, unwanted.map(lowerLine), NOT_THERE)),
    present: () => inTurn(async () => (await list()).present),
    networks: () => inTurn(async () => (await list()).links),
  };
}
