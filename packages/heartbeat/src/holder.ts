// holder.ts — the floating IPs on this node's links: where they belong, raising, lowering, keeping.
import type { Problem, ServicesConfig } from "@lbpair/common";
import {
  type Addresses,
  AddressesError,
  type LinkState,
  type RaisedAddress,
} from "./adapters/addresses.js";
import {
  type FloatingIp,
  floatingIps,
  type Placed,
  placeFloatingIps,
} from "./core/floating-plan.js";
import type { PairDigest } from "./core/virtual-mac.js";
import { VirtualMacs } from "./virtual-macs.js";

/** Seconds an address outlives its last prolongation, beyond the lease. */
const LIFETIME_MARGIN_SECONDS = 2;

/** The kernel's clean-up time for addresses under a lease of this length; null = for ever. */
export const lifetimeSeconds = (leaseMs: number | null): number | null =>
  leaseMs === null ? null : Math.ceil(leaseMs / 1000) + LIFETIME_MARGIN_SECONDS;

const bits = (address: string): 32 | 128 => (address.includes(":") ? 128 : 32);

export class Holder {
  wanted: readonly FloatingIp[] = [];
  placed: readonly Placed[] = [];
  links: readonly LinkState[] = [];
  readonly virtual: VirtualMacs;
  private readonly addresses: Addresses;
  private readonly present = new Set<string>();
  private names: ReadonlySet<string> = new Set();
  /** Floating IPs of an earlier configuration, not lowered yet. */
  private readonly retired = new Set<string>();
  private unplaced: readonly Problem[] = [];
  private unraised = 0;
  /** Whether a floating IP may stand where it no longer belongs. */
  private displaced = true;

  constructor(addresses: Addresses, virtual = new VirtualMacs()) {
    this.addresses = addresses;
    this.virtual = virtual;
  }

  get problems(): readonly Problem[] {
    return [...this.unplaced, ...this.virtual.problems];
  }

  /**
   * Looks at the links and finds each floating IP its place; true where a place changed. With the
   * pair's digest each link has a virtual MAC.
   */
  async look(services: ServicesConfig, digest?: PairDigest): Promise<boolean> {
    const before = this.places();
    this.wanted = floatingIps(services);
    const namesBefore = this.names;
    this.names = new Set(this.wanted.map(({ address }) => address));
    for (const name of namesBefore) if (!this.names.has(name)) this.retired.add(name);
    for (const name of this.names) this.retired.delete(name);
    this.links = await this.addresses.networks();
    const networks = this.links.flatMap(({ link, networks: own }) =>
      own.map(({ address, prefixLength }) => ({ link, address, prefixLength })),
    );
    const { placed, problems } = placeFloatingIps(this.wanted, networks);
    this.placed = [...placed, ...this.orphans(placed)];
    this.unplaced = problems;
    this.virtual.plan(this.placed, this.links, digest);
    const moved = this.places() !== before;
    if (moved && this.present.size > 0) this.displaced = true;
    return moved;
  }

  /**
   * A link that has lost its own address for a moment still carries what stands on it: without a place
   * the gate would let the kernel answer for it whatever the lease.
   */
  private orphans(placed: readonly Placed[]): Placed[] {
    const named = new Set(placed.map(({ address }) => address));
    return this.placed.filter(
      ({ address, link }) =>
        !named.has(address) &&
        this.present.has(address) &&
        this.isFloating(address) &&
        this.links.some((each) => each.link === link) &&
        !this.ownNetworkAddress(address),
    );
  }

  /** Whether it is this node's own on a network, and none that follows the active node. */
  private ownNetworkAddress(address: string): boolean {
    return this.links.some(({ networks }) =>
      networks.some((each) => each.address === address && each.prefixLength < bits(address)),
    );
  }

  private places(): string {
    return JSON.stringify([this.placed, this.virtual.wanted]);
  }

  /**
   * Things wrong with the links that carry floating IPs, floating IPs without a link or that could not be
   * raised, virtual MACs that cannot be.
   */
  faults(): number {
    return this.faultList().length;
  }

  /** The same in words, one for each. */
  faultList(): string[] {
    const used = new Set(this.placed.map(({ link }) => link));
    const dark = this.links.filter(({ link, carrier }) => used.has(link) && !carrier);
    return [
      ...dark.map(({ link }) => `${link} has no carrier`),
      ...this.unplaced.map(({ path }) => `the floating IP ${path} has no link`),
      ...Array.from({ length: this.unraised }, () => "a floating IP could not be raised"),
      ...[...this.virtual.failed.keys()].map((link) => `${link} has no virtual MAC`),
    ];
  }

  /** Whether no link that carries floating IPs has a carrier. */
  isolated(): boolean {
    const used = new Set(this.placed.map(({ link }) => link));
    return used.size > 0 && !this.links.some(({ link, carrier }) => used.has(link) && carrier);
  }

  indexOf(link: string): number | undefined {
    return this.links.find((each) => each.link === link)?.index;
  }

  macOf(link: string): string | undefined {
    return this.links.find((each) => each.link === link)?.mac;
  }

  /** The device on which the floating IPs of a link stand: its virtual MAC's where it has one. */
  deviceOf(link: string): string {
    return this.virtual.deviceOf(link);
  }

  /**
   * MACs that this node's kernel answers with for floating IPs, and those of the links underneath:
   * by a virtual one nobody can tell the two nodes apart.
   */
  macs(): string[] {
    const links = this.gateLinks();
    const virtual = links.map((link) => this.virtual.of(link)?.mac);
    const own = links.map((link) => this.macOf(link));
    return [...virtual, ...own].filter((mac) => mac !== undefined);
  }

  async raise(leaseMs: number | null): Promise<void> {
    await this.raising(this.addresses.raise(this.raised(leaseMs)));
    if (this.displaced) await this.lowerElsewhere();
  }

  /** Lowers what stands somewhere else than where it belongs: two devices would answer for it. */
  private async lowerElsewhere(): Promise<void> {
    const places = new Map(this.placed.map(({ address, link }) => [address, this.deviceOf(link)]));
    const wrong = (await this.addresses.present()).filter(({ address, prefix, link }) => {
      const place = places.get(address);
      return place !== undefined && link !== place && prefix === bits(address);
    });
    await this.addresses.lower(wrong);
    this.displaced = false;
  }

  /** Restarts the lifetimes; what is missing is raised. */
  async prolong(leaseMs: number): Promise<void> {
    await this.raising(this.addresses.prolong(this.raised(leaseMs)));
  }

  private async raising(work: Promise<void>): Promise<void> {
    try {
      await work;
      this.unraised = 0;
    } catch (error) {
      this.unraised = error instanceof AddressesError ? error.failures.length : 1;
      throw error;
    }
    for (const { address } of this.placed) this.present.add(address);
  }

  private raised(leaseMs: number | null): RaisedAddress[] {
    const seconds = lifetimeSeconds(leaseMs);
    return this.placed.map(({ address, link }) => ({
      address,
      prefix: bits(address),
      link: this.deviceOf(link),
      lifetimeSeconds: seconds,
    }));
  }

  /** The links that carry floating IPs, for the gate. */
  gateLinks(): string[] {
    return [...new Set(this.placed.map(({ link }) => link))].sort();
  }

  /** Lowers every floating IP, on whatever link it is. */
  async lower(): Promise<void> {
    await this.lowerThese(this.wanted.map(({ address }) => address));
    this.displaced = false;
  }

  /** Lowers these addresses wherever they stand as floating IPs: alone, without a network. */
  async lowerThese(names: readonly string[]): Promise<void> {
    const asked = new Set(names);
    const there = (await this.addresses.present()).filter(
      ({ address, prefix }) => asked.has(address) && prefix === bits(address),
    );
    await this.addresses.lower(there);
    for (const { address } of there) this.present.delete(address);
  }

  /** Lowers what was a floating IP, whichever look found that it no longer is. */
  async lowerRetired(): Promise<void> {
    const names = [...this.retired];
    if (names.length === 0) return;
    await this.lowerThese(names);
    for (const name of names) this.retired.delete(name);
  }

  /** Whether an address is one of ours, wherever it is. */
  isFloating(address: string): boolean {
    return this.names.has(address);
  }

  /** Which floating IPs are on the links now; refreshed by `check`. */
  holds(address: string): boolean {
    return this.present.has(address);
  }

  /** Whether any floating IP is on the links; refreshed by `check`. */
  get holdsSome(): boolean {
    return this.present.size > 0;
  }

  /** Reads what is there; returns the placed addresses that are missing. */
  async check(): Promise<Placed[]> {
    const there = await this.addresses.present();
    const found = new Set(there.map(({ address, link }) => `${address} ${link}`));
    this.present.clear();
    for (const { address, prefix } of there) {
      if (this.isFloating(address) && prefix === bits(address)) this.present.add(address);
    }
    return this.placed.filter(
      ({ address, link }) => !found.has(`${address} ${this.deviceOf(link)}`),
    );
  }

  forget(address: string): void {
    this.present.delete(address);
  }
}
