// virtual-mac.ts — which virtual MAC the floating IPs of each link have: the same on both nodes, and told to neither.
//
// A MAC is a function of the pair's key and of the network, and of nothing else: the two nodes may
// call their links differently, and two pairs in one broadcast domain have different keys.
import { addressBytes, familyOf, inNetwork } from "@lbpair/common/light";
import type { LinkNetwork, Placed } from "./floating-plan.js";

/** A keyed hash under the pair's key (HMAC-SHA256); at least six octets count. */
export type PairDigest = (text: string) => Uint8Array;

/** The MAC that the floating IPs of one link have, and the device that carries it. */
export interface VirtualMac {
  /** The link underneath, whose own network contains the floating IPs. */
  readonly link: string;
  readonly device: string;
  readonly mac: string;
  readonly addresses: readonly string[];
}

/** A device of ours that is there now. */
export interface PresentDevice {
  readonly device: string;
  readonly link: string;
  readonly mac: string | undefined;
  readonly up: boolean;
}

/** Names of our devices begin with it, and nobody else's should. */
export const VIRTUAL_PREFIX = "lbv";
/** IFNAMSIZ of Linux, without the NUL at its end. */
export const LINK_NAME_LENGTH_MAX = 15;

/** `lbv-eth1`; by the link's index where that would be too long for a name. */
export function virtualDevice(link: string, linkIndex: number): string {
  const named = `${VIRTUAL_PREFIX}-${link}`;
  return named.length <= LINK_NAME_LENGTH_MAX ? named : `${VIRTUAL_PREFIX}${linkIndex}`;
}

const hex = (octets: readonly number[]): string[] =>
  octets.map((octet) => octet.toString(16).padStart(2, "0"));

/** A network in a form that does not depend on which of its addresses the node has. */
export function networkName(address: string, prefixLength: number): string {
  const masked = addressBytes(address).map((octet, i) => {
    const kept = Math.min(8, Math.max(0, prefixLength - 8 * i));
    return octet & (0xff << (8 - kept)) & 0xff;
  });
  // IPv4 sorts before IPv6.
  return `${familyOf(address)} ${hex(masked).join("")}/${prefixLength}`;
}

/** Locally administered and for one receiver (IEEE 802 section 8.2): the second digit is 2, 6, a or e. */
export function macOf(digest: PairDigest, network: string): string {
  const [first = 0, ...others] = [...digest(`virtual MAC of network ${network}`)].slice(0, 6);
  return hex([(first & 0xfc) | 0x02, ...others]).join(":");
}

/** One virtual MAC for each link that carries floating IPs; where it has several networks, the first by name counts. */
export function virtualMacs(
  placed: readonly Placed[],
  networks: readonly (LinkNetwork & { readonly linkIndex: number })[],
  digest: PairDigest,
): VirtualMac[] {
  return [...new Set(placed.map(({ link }) => link))].sort().flatMap((link) => {
    const addresses = placed.filter((each) => each.link === link).map(({ address }) => address);
    const containing = networks.filter(
      (own) =>
        own.link === link &&
        own.prefixLength < (familyOf(own.address) === 4 ? 32 : 128) &&
        addresses.some((address) => inNetwork(address, own.address, own.prefixLength)),
    );
    const [network] = containing.map((own) => networkName(own.address, own.prefixLength)).sort();
    const index = containing[0]?.linkIndex;
    if (network === undefined || index === undefined) return [];
    return { link, device: virtualDevice(link, index), mac: macOf(digest, network), addresses };
  });
}

export interface DevicePlan {
  /** To be made, or brought up. */
  readonly make: readonly VirtualMac[];
  /** In the way of one that is to be made. */
  readonly replace: readonly string[];
  /** Of an earlier configuration. */
  readonly stray: readonly string[];
}

/** What has to be done so that exactly the wanted devices are there. */
export function planDevices(
  wanted: readonly VirtualMac[],
  present: readonly PresentDevice[],
): DevicePlan {
  const right = (one: VirtualMac, there: PresentDevice): boolean =>
    there.device === one.device && there.link === one.link && there.mac === one.mac;
  const make = wanted.filter((one) => !present.some((there) => right(one, there) && there.up));
  const names = present.map(({ device }) => device);
  return {
    make,
    replace: present
      .filter((there) => make.some((one) => one.device === there.device && !right(one, there)))
      .map(({ device }) => device),
    stray: names.filter((device) => !wanted.some((one) => one.device === device)),
  };
}
