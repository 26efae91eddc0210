// light.ts — what a daemon may use before anything heavy is loaded: no schema, no YAML, no logger.
//
// The heartbeat starts with these alone: the libraries left out cost more time than all the rest of a
// start, and an active node whose daemon crashed has until the end of its lease to be back.
export * from "./address.js";
export * from "./answers.js";
export type * from "./appliance-schema.js";
export * from "./clock.js";
export type * from "./config-check.js";
export type * from "./config-file.js";
export * from "./control-client.js";
export * from "./control-server.js";
export * from "./coverage-rule.js";
export * from "./did-you-mean.js";
export * from "./duration.js";
export * from "./event-log.js";
export * from "./fallbacks.js";
export type * from "./field.js";
export * from "./fits-node.js";
export * from "./heartbeat-paths.js";
export * from "./icmp-ping.js";
export * from "./internet-checksum.js";
export type * from "./log.js";
export type * from "./loose-parse.js";
export type * from "./modes-schema.js";
export * from "./moment.js";
export * from "./node-flags.js";
export * from "./own-addresses.js";
export * from "./packet-filter.js";
export * from "./paths.js";
export * from "./ports.js";
export * from "./problems.js";
export * from "./raw-socket.js";
export * from "./replace-file.js";
export * from "./revision.js";
export * from "./run.js";
export type * from "./running.js";
export * from "./running-cache.js";
export type * from "./services-schema.js";
export * from "./shutdown.js";
export * from "./status.js";
export * from "./steady-word.js";
export * from "./timing-calculator.js";
export * from "./transition.js";
export type * from "./value-schemas.js";
export * from "./version.js";
export type * from "./yaml-edit.js";
export type * from "./yaml-text.js";
