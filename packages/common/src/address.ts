// address.ts — IP addresses in one normal form, and which network they lie in.
import ipaddr from "ipaddr.js";

export type Family = 4 | 6;

/** The normal form of an IPv4 or IPv6 address; undefined where the text is none. */
export function normalAddress(text: string): string | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return undefined;
  if (text.includes("%")) return undefined;
  return ipaddr.parse(text).toString();
}

export const familyOf = (address: string): Family => (address.includes(":") ? 6 : 4);

const NOT_OF_A_HOST: ReadonlySet<string> = new Set([
  "unspecified",
  "loopback",
  "multicast",
  "broadcast",
  "linkLocal",
  // An IPv4 address in IPv6 clothes: the same address would be written in two ways.
  "ipv4Mapped",
]);

/** Whether a host may own the address on a routed network. */
export const isHostAddress = (address: string): boolean =>
  !NOT_OF_A_HOST.has(ipaddr.parse(address).range());

/** IPv6 addresses of one link alone; IPv4's are no host's that was configured. */
export const isLinkLocal = (address: string): boolean =>
  familyOf(address) === 6 && ipaddr.parse(address).range() === "linkLocal";

/** Without the link of a link-local address. */
export const withoutZone = (address: string): string => address.split("%")[0] ?? address;

/** Whether `address` lies in the network `network/prefixLength`. */
export function inNetwork(address: string, network: string, prefixLength: number): boolean {
  if (familyOf(address) !== familyOf(network)) return false;
  const parsed = ipaddr.parse(address);
  const base = ipaddr.parse(network);
  if (parsed instanceof ipaddr.IPv4 && base instanceof ipaddr.IPv4) {
    return parsed.match(base, prefixLength);
  }
  if (parsed instanceof ipaddr.IPv6 && base instanceof ipaddr.IPv6) {
    return parsed.match(base, prefixLength);
  }
  return false;
}

/** `address/length` with no bits beyond the length, in its normal form; undefined where it is none. */
export function normalNetwork(text: string): string | undefined {
  const [address = "", length = "", ...more] = text.split("/");
  const normal = normalAddress(address);
  if (normal === undefined || more.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  if (Number(length) > (familyOf(normal) === 4 ? 32 : 128)) return undefined;
  return networkOf(normal, Number(length)) === normal ? `${normal}/${Number(length)}` : undefined;
}

/** The address's first bits, the others 0, in its normal form. */
export function networkOf(address: string, length: number): string {
  const cidr = `${address}/${length}`;
  return familyOf(address) === 6
    ? ipaddr.IPv6.networkAddressFromCIDR(cidr).toString()
    : ipaddr.IPv4.networkAddressFromCIDR(cidr).toString();
}

/** Whether two networks, each as `address/length`, have an address in common. */
export function networksMeet(a: string, b: string): boolean {
  const [first = "", firstLength = "0"] = a.split("/");
  const [second = "", secondLength = "0"] = b.split("/");
  if (familyOf(first) !== familyOf(second)) return false;
  const shorter = Math.min(Number(firstLength), Number(secondLength));
  return networkOf(first, shorter) === networkOf(second, shorter);
}

/** Octets of an address: 4 for IPv4, 16 for IPv6. */
export const addressBytes = (address: string): number[] => ipaddr.parse(address).toByteArray();

/** The normal form of an address given as 4 or 16 octets. Throws Error for any other number. */
export const addressText = (octets: Uint8Array): string =>
  ipaddr.fromByteArray([...octets]).toString();

const zoneOf = (address: string): string => address.split("%")[1] ?? "";

/**
 * A test for one address, however it is written: the kernel's text of an IPv6 address need not be the
 * configuration's. A zone (`fe80::1%eth0`) is part of it.
 */
export function sameAddress(address: string): (text: string) => boolean {
  const bytes = addressBytes(address).join();
  const zone = zoneOf(address);
  return (text) => {
    if (text === address) return true;
    if (familyOf(text) !== familyOf(address) || zoneOf(text) !== zone) return false;
    return ipaddr.isValid(text) && addressBytes(text).join() === bytes;
  };
}
