// index.ts — what tests and tools use of the forwarder.
export * from "./conntrack.js";
export * from "./cuts.js";
export * from "./data-plane.js";
export * from "./distribution.js";
export * from "./elements.js";
export * from "./flow.js";
export * from "./ip-packet.js";
export * from "./nft.js";
export * from "./pool.js";
export * from "./present-table.js";
export * from "./provoker.js";
export * from "./rules.js";
export * from "./server-plan.js";
export * from "./service-id.js";
export * from "./slots.js";
export * from "./testing/golden-cases.js";
export * from "./wanted-elements.js";
