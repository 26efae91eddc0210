// appliance-schema.ts — appliance.yaml: what belongs to one box and never leaves it.
import { z } from "zod";
import { local, section } from "./field.js";
import { HEARTBEAT_PATHS_MAX } from "./heartbeat-paths.js";
import { count, ipAddress, label, line, oneOf, pathAddress, port } from "./value-schemas.js";

/** Own addresses that checks may come from: one or two for each network of servers. */
export const CHECK_SOURCES_MAX = 64;

const pathSchema = section({
  local: local("This node's own address on the path", pathAddress),
  peer: local("The peer's own address on the path", pathAddress),
});

const sshSchema = section({
  address: local("Where the peer's SSH server listens", ipAddress),
  port: local("Its port", port.default(22)),
  user: local(
    "The account that may hand over configuration and nothing else",
    label.default("lbpair-sync"),
  ),
});

const peerSchema = section({
  name: local("The peer's name", label),
  paths: local(
    "Heartbeat paths, each a pair of addresses on one network",
    z
      .array(pathSchema, { error: "a list of heartbeat paths" })
      .min(1, "at least one heartbeat path")
      .max(HEARTBEAT_PATHS_MAX, `at most ${HEARTBEAT_PATHS_MAX} heartbeat paths`),
  ),
  ssh: local("How configuration reaches the peer", sshSchema),
});

export const applianceSchema = section({
  node: local(
    "Which box this is",
    section({
      name: local("This node's name", label),
      designation: local("primary or secondary", oneOf(["primary", "secondary"])),
    }),
  ),
  peer: local("The other node; absent on a single appliance", peerSchema.optional()),
  checks: local(
    "How health checks run here",
    section({
      user: local("The account that scripts run as, never root", label.default("nobody")),
      sources: local(
        "This node's own addresses that checks come from: for each server the nearest; none = the kernel's choice",
        z
          .array(ipAddress, { error: "a list of addresses" })
          .max(CHECK_SOURCES_MAX, `at most ${CHECK_SOURCES_MAX} addresses`)
          .default([]),
      ),
    }).prefault({}),
  ),
  kernel: local(
    "Sizes and marks in this kernel",
    section({
      connectionTableSize: local(
        "Entries of the connection table (nf_conntrack_max)",
        count(1024, 16_777_216).default(262_144),
      ),
      markMask: local(
        "The bits of a packet's mark that lbpair may use",
        count(0xff, 0xffff_ffff).default(0x00ff_ffff),
      ),
    }).prefault({}),
  ),
  logging: local(
    "The daemons' logs",
    section({
      level: local(
        "Least level that is logged",
        oneOf(["debug", "info", "warn", "error"]).default("info"),
      ),
    }).prefault({}),
  ),
  replication: local(
    "When configuration is compared with the peer's",
    section({
      reconcile: local(
        "Schedule of the comparison, in cron's five or six fields",
        line(100).default("*/5 * * * *"),
      ),
    }).prefault({}),
  ),
});

export type ApplianceConfig = z.output<typeof applianceSchema>;
export type PeerConfig = NonNullable<ApplianceConfig["peer"]>;
