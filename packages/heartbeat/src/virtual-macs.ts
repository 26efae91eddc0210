// virtual-macs.ts — the virtual MACs of this node's links: which are wanted, which are there, which cannot be.
import type { Problem } from "@lbpair/common";
import type { LinkState } from "./adapters/addresses.js";
import type { VirtualLinks } from "./adapters/virtual-link.js";
import { ADVERT_MACS_MAX } from "./core/advert-bytes.js";
import type { Placed } from "./core/floating-plan.js";
import { type PairDigest, planDevices, type VirtualMac, virtualMacs } from "./core/virtual-mac.js";

/** Looks, one each five seconds, after which a device that could not be made is tried again. */
const RETRY_LOOKS = 12;

export class VirtualMacs {
  private readonly devices: VirtualLinks | undefined;
  wanted: readonly VirtualMac[] = [];
  private made: ReadonlySet<string> = new Set();
  private toMake: readonly VirtualMac[] = [];
  private inTheWay: readonly string[] = [];
  private failures: ReadonlyMap<string, string> = new Map();
  private looks = 0;
  /** Devices of ours that nobody wants: to be removed once nobody sends to them. */
  strays: readonly string[] = [];

  constructor(devices?: VirtualLinks) {
    this.devices = devices;
  }

  /** Finds what has to be there; without a digest, nothing. */
  plan(
    placed: readonly Placed[],
    links: readonly LinkState[],
    digest: PairDigest | undefined,
  ): void {
    const networks = links.flatMap(({ link, index, networks: own }) =>
      own.map((each) => ({ link, linkIndex: index, ...each })),
    );
    const wanted = digest === undefined ? [] : virtualMacs(placed, networks, digest);
    const present = links.flatMap(({ link: device, mac, over }) =>
      over === undefined ? [] : [{ device, mac, ...over }],
    );
    const { make, replace, stray } = planDevices(wanted, present);
    this.looks += 1;
    const again = JSON.stringify(wanted) !== JSON.stringify(this.wanted);
    if (again || this.looks % RETRY_LOOKS === 0) this.failures = new Map();
    this.wanted = wanted;
    this.toMake = make;
    this.inTheWay = replace;
    this.strays = stray;
    this.made = new Set(wanted.filter((one) => !make.includes(one)).map(({ link }) => link));
  }

  /** Whether a device is missing that has not been found impossible lately. */
  get incomplete(): boolean {
    return this.toMake.some(({ link }) => !this.failures.has(link));
  }

  /** Those that the gate has to know: there already, or about to be made. */
  get possible(): readonly VirtualMac[] {
    return this.wanted.filter(({ link }) => !this.failures.has(link));
  }

  /** Makes what is missing; the gate must be open for `possible`. False = it must be opened again. */
  async make(): Promise<boolean> {
    const making = this.toMake.filter(({ link }) => !this.failures.has(link));
    if (making.length === 0) return true;
    const failed =
      (await this.devices
        ?.make(making, this.inTheWay)
        .catch((error: unknown) => new Map(making.map(({ link }) => [link, String(error)])))) ??
      new Map(making.map(({ link }) => [link, "not possible here"]));
    const done = making.map(({ link }) => link).filter((link) => !failed.has(link));
    this.made = new Set([...this.made, ...done]);
    this.toMake = this.toMake.filter(({ link }) => !done.includes(link));
    this.failures = new Map([...this.failures, ...failed]);
    return failed.size === 0;
  }

  /** Gives every virtual MAC up, where the gate cannot be had for them. */
  abandon(why: string): void {
    this.failures = new Map(this.wanted.map(({ link }) => [link, why]));
    this.made = new Set();
  }

  /** Links that should have a virtual MAC and have none. */
  get failed(): ReadonlyMap<string, string> {
    return this.failures;
  }

  of(link: string): VirtualMac | undefined {
    return this.made.has(link) ? this.wanted.find((one) => one.link === link) : undefined;
  }

  /** The device that carries the floating IPs of a link: the virtual MAC's, or the link itself. */
  deviceOf(link: string): string {
    return this.of(link)?.device ?? link;
  }

  get problems(): Problem[] {
    return [...this.failures].map(([link, why]) => ({
      code: "virtual-mac",
      path: "heartbeat.virtualMac",
      want: `a virtual MAC on ${link}`,
      got: why,
    }));
  }

  /** What the peer's MACs say about ours: a MAC that only one node has does not move with its floating IPs. */
  disagreement(peerMacs: readonly string[]): Problem[] {
    // A peer that says none has not been heard; one that says as many as fit has left some out.
    if (peerMacs.length === 0 || peerMacs.length >= ADVERT_MACS_MAX) return [];
    return this.wanted
      .filter(({ link, mac }) => this.made.has(link) && !peerMacs.includes(mac))
      .map(({ link, mac }) => ({
        code: "virtual-mac",
        path: "heartbeat.virtualMac",
        want: `the virtual MAC of ${link} (${mac}) on the peer too: the same network with the same prefix length there`,
        got: peerMacs.join(", "),
      }));
  }

  /** Removes devices that nobody wants. */
  async clear(): Promise<void> {
    const { strays } = this;
    if (strays.length === 0) return;
    this.strays = [];
    await this.devices?.remove(strays);
  }
}
