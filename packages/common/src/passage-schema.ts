// passage-schema.ts — of services.yaml, what may pass besides the services' traffic.
import { z } from "zod";
import { replicated, section } from "./field.js";
import { ipv4Address, ipv4Network, label, oneOf, portRange } from "./value-schemas.js";

/** Rules for the servers' own outbound traffic. */
export const OUTBOUND_MAX = 64;
/** Permissions between the arms besides services and outbound traffic. */
export const ROUTED_MAX = 256;
/** Entries of one list of ports. */
export const PORT_RANGES_MAX = 128;

const EVERYWHERE = "0.0.0.0/0";

const outboundRuleSchema = section({
  label: replicated("Name of the rule, unique", label),
  from: replicated("The servers' network, or one server as /32", ipv4Network),
  to: replicated("Where they may go", ipv4Network.default(EVERYWHERE)),
  as: replicated("The floating IP that others see them as", ipv4Address),
});

const routedRuleSchema = section({
  label: replicated("Name of the permission, unique", label),
  from: replicated("The network that begins", ipv4Network),
  to: replicated("The network that is reached", ipv4Network),
  protocol: replicated(
    "What may pass: any protocol, or one",
    oneOf(["any", "tcp", "udp", "icmp"]).default("any"),
  ),
  ports: replicated(
    "Ports that are reached, only with tcp or udp; absent = all",
    z
      .array(portRange, { error: "a list of ports and ranges" })
      .min(1, "at least one port")
      .max(PORT_RANGES_MAX, `at most ${PORT_RANGES_MAX} ports and ranges`)
      .optional(),
  ),
});

export const outboundSchema = z
  .array(outboundRuleSchema, { error: "a list of outbound rules" })
  .max(OUTBOUND_MAX, `at most ${OUTBOUND_MAX} outbound rules`)
  .default([]);

export const routedSchema = z
  .array(routedRuleSchema, { error: "a list of permissions" })
  .max(ROUTED_MAX, `at most ${ROUTED_MAX} permissions`)
  .default([]);
