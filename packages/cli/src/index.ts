// index.ts — what tests and the lab use of the command line.
export { type CheckReport, checkCandidate } from "./check-candidate.js";
export type { Output, World } from "./context.js";
export { createDaemons, type Daemons } from "./daemons.js";
export { gatherPair } from "./gather-pair.js";
export { judgeForeignRules } from "./host/foreign-rules.js";
export { kernelRuleset } from "./host/host-facts.js";
export { readNftRuleset } from "./host/nft-ruleset.js";
export { runCli } from "./program.js";
export { glyphsFor, UNICODE_GLYPHS } from "./render/glyphs.js";
export { paint } from "./render/paint.js";
export { judgePair } from "./view/pair-verdict.js";
export { type PairView, statusOf } from "./view/pair-view.js";
export { statusLines } from "./view/status-lines.js";
