// index.ts — what tests and simulations use of the heartbeat.
export * from "./core/advert.js";
export * from "./core/effects.js";
export * from "./core/election.js";
export * from "./core/election-state.js";
export * from "./core/session.js";
export * from "./core/wire.js";
