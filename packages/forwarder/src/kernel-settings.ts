// kernel-settings.ts — the kernel settings that forwarding needs (F14), and which values are right.
import type { SysctlStatus } from "@lbpair/common";

export interface KernelSetting {
  /** Dotted as sysctl writes it, except that an interface's name may hold dots of its own. */
  readonly path: readonly string[];
  /** What is written where the present value is not right. */
  readonly want: string;
  /** Other values that are right too. */
  readonly accept?: readonly string[];
  /** A number at least this large is right. */
  readonly atLeast?: boolean;
  /** A kernel or namespace without this setting is in order. */
  readonly optional?: boolean;
}

const perLink = (link: string): KernelSetting[] => {
  const conf = ["net", "ipv4", "conf", link];
  return [
    // Strict filtering drops clients behind a router that answers by the other arm.
    { path: [...conf, "rp_filter"], want: "0", accept: ["0", "2"] },
    { path: [...conf, "arp_ignore"], want: "1", accept: ["1", "2"] },
    { path: [...conf, "arp_announce"], want: "2" },
    { path: [...conf, "send_redirects"], want: "0" },
    { path: [...conf, "promote_secondaries"], want: "1" },
  ];
};

const perLink6 = (link: string): KernelSetting[] => [
  // With forwarding on, 1 would make the kernel ignore router advertisements.
  {
    path: ["net", "ipv6", "conf", link, "accept_ra"],
    want: "2",
    accept: ["0", "2"],
    optional: true,
  },
];

/**
 * A neighbour that has not answered is asked again so soon. After the kernel's own second a link that flapped
 * for a moment kept adverts and clients' packets waiting for as long as a dead peer is waited for.
 */
const askedAgain = (arm: string): KernelSetting => ({
  path: ["net", "ipv4", "neigh", arm, "retrans_time_ms"],
  want: "100",
  accept: ["20", "50", "100"],
  optional: true,
});

/** `all` and `default` cover what comes later; each arm is set too, because it may differ already. */
export function kernelSettings(
  arms: readonly string[],
  connectionTableSize: number,
): KernelSetting[] {
  const links = ["all", "default", ...arms];
  return [
    { path: ["net", "ipv4", "ip_forward"], want: "1" },
    ...links.flatMap(perLink),
    ...arms.map(askedAgain),
    { path: ["net", "netfilter", "nf_conntrack_tcp_loose"], want: "1" },
    { path: ["net", "netfilter", "nf_conntrack_tcp_be_liberal"], want: "1" },
    // While the entry of a connection that was reset lives, it takes a new one on the same ports to its
    // own server, and a SYN against the direction it was begun in is invalid to it.
    {
      path: ["net", "netfilter", "nf_conntrack_tcp_timeout_close"],
      want: "1",
      optional: true,
    },
    // One value for the whole machine, which only its first network namespace may write.
    {
      path: ["net", "netfilter", "nf_conntrack_max"],
      want: `${connectionTableSize}`,
      atLeast: true,
    },
    {
      path: ["net", "netfilter", "nf_conntrack_buckets"],
      want: `${Math.ceil(connectionTableSize / 4)}`,
      atLeast: true,
      optional: true,
    },
    { path: ["net", "ipv6", "conf", "all", "forwarding"], want: "1", optional: true },
    ...links.flatMap(perLink6),
  ];
}

export function isRight(setting: KernelSetting, got: string | null): boolean {
  if (got === null) return setting.optional === true;
  if (got === setting.want) return true;
  if (setting.atLeast === true) return Number(got) >= Number(setting.want);
  return setting.accept?.includes(got) ?? false;
}

export const settingStatus = (setting: KernelSetting, got: string | null): SysctlStatus => ({
  key: setting.path.join("."),
  want: setting.want,
  got,
  ok: isRight(setting, got),
});
