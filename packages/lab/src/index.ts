// index.ts — the lab as a library, for tests.
export * from "./dicom/image.js";
export * from "./dicom/modality.js";
export * from "./probes/arp-packet.js";
export * from "./probes/claims.js";
export * from "./probes/gaps.js";
export * from "./probes/probe.js";
export * from "./probes/probe-kinds.js";
export * from "./ticker.js";
export * from "./world/appliance.js";
export * from "./world/cables.js";
export * from "./world/cluster.js";
export * from "./world/plan.js";
export * from "./world/registry.js";
export * from "./world/settings.js";
export * from "./world/supervisor.js";
export * from "./world/world.js";
