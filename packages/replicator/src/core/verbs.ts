// verbs.ts — the only words one node may say to the other; everything else is refused unread.

/**
 * hello: who are you, what is in force · plan: what would this bundle change · stage: keep it ready ·
 * commit: put the staged one in force · abort: forget it · modes: compare operators' modes, newer wins ·
 * mode-request: please set this mode · status, events, transitions: what your daemons say ·
 * restart: start your heartbeat anew · clear-flaps: health may move the role again · pins: open
 * connections that the maps do not describe · health-check, what-if: your own check of a server, run
 * once, and your recorded results judged otherwise. The last six came with later releases; a peer that
 * does not know them refuses the word, which is told and no failure.
 */
export const VERBS = [
  "hello",
  "plan",
  "stage",
  "commit",
  "abort",
  "modes",
  "mode-request",
  "status",
  "events",
  "transitions",
  "restart",
  "clear-flaps",
  "pins",
  "health-check",
  "what-if",
] as const;
export type Verb = (typeof VERBS)[number];

export const isVerb = (word: string): word is Verb => (VERBS as readonly string[]).includes(word);

/** Version of what the nodes say to each other; a node refuses to talk to another one. */
export const PROTOCOL_VERSION = 1;
