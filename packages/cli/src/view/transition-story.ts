// transition-story.ts — one switch told from both nodes' records: what it was, how long each part took, what happened when.
import type { Rule, TransitionEffect, TransitionMark, TransitionRecord } from "@lbpair/common";
import { onMainClock, type PairTransition } from "./transition-pairs.js";

/** Parts of the time a switch took, in milliseconds. */
export interface Phases {
  /** From the first sign (last word of the peer, trouble) until it counted. */
  readonly detectionMs: number;
  /** From there, or from the order, until the claim: leases, witnesses, the other node's answer. */
  readonly decisionMs: number;
  /** From the claim until the addresses were announced; null = it never came to that. */
  readonly switchingMs: number | null;
  readonly totalMs: number;
}

export interface StoryRow {
  /** Milliseconds after the decision. */
  readonly atMs: number;
  readonly node: string;
  readonly text: string;
  /** How long it lasted; null = a moment. */
  readonly tookMs: number | null;
  readonly weight: "decision" | "cause" | "step" | "trouble";
}

export interface Story {
  /** Who became active; null = nobody did. */
  readonly active: string | null;
  readonly from: string | null;
  readonly rule: Rule;
  readonly headline: string;
  /** One sentence of the node that decided. */
  readonly because: string;
  readonly phases: Phases;
  readonly rows: readonly StoryRow[];
  /** First neighbour that had learnt it, and first packet, after the decision; null = not seen. */
  readonly neighbourMs: number | null;
  readonly packetMs: number | null;
}

const WORDS: Readonly<Record<Rule, (other: string) => string>> = {
  started: () => "it started",
  silence: (other) => `${other} fell silent`,
  lone: (other) => `nothing was heard of ${other}`,
  vacant: () => "neither node was active",
  yield: (other) => `${other} asked for it`,
  request: (other) => `${other} asked for it`,
  order: () => "an operator ordered it",
  failback: () => "the primary is back and well (auto-failback)",
  health: () => "the other node's health was better",
  stop: (other) => `${other} was told to stop`,
  "higher-epoch": (other) => `${other} holds a higher claim`,
  "both-active": () => "both nodes were active, and this claim wins",
  unheard: (other) => `${other} is active and does not hear it`,
  isolated: () => "none of its networks has a carrier",
  "lease-lost": () => "its kernel's lease had ended",
  "no-answer": (other) => `${other} did not answer the hand-over`,
  restarted: () => "its heartbeat came back without its lease",
  rebooted: () => "its machine was started anew",
};

/** What the other node itself says of its silence. */
const SILENCES: Readonly<Partial<Record<Rule, (other: string) => string>>> = {
  "lease-lost": (other) => `${other} stood still`,
  isolated: (other) => `${other} lost every network`,
  restarted: (other) => `the heartbeat of ${other} died and was started anew`,
  rebooted: (other) => `${other} died and was started anew`,
  "higher-epoch": (other) => `${other} was not heard, though it lived`,
};

/** Words for a rule; one of a newer version is shown as it is. */
const wordsFor = (rule: Rule, other: string): string =>
  (WORDS as Readonly<Record<string, (other: string) => string>>)[rule]?.(other) ?? `rule ${rule}`;

const reason = (rule: Rule, name: string, other: TransitionRecord | null): string => {
  if (rule === "health" && other !== null) {
    const { faults, peer } = other.situation;
    const count = (of: number): string => (of === 0 ? "none" : `${of}`);
    const difference = `${count(faults)}, against ${count(peer?.faults ?? 0)} here`;
    return other.situation.ready
      ? `${name} had more faults (${difference})`
      : `${name} was not ready to forward`;
  }
  const own = rule === "silence" && other !== null ? SILENCES[other.rule] : undefined;
  return own?.(name) ?? wordsFor(rule, name);
};

/** The rule that started it: a claim by hand-over is explained by why the other handed over. */
export function rootRule({ main, other }: PairTransition): Rule {
  if (main.rule === "yield" && other !== null && other.rule !== "request") return other.rule;
  return main.rule;
}

const endOf = (record: TransitionRecord, what: string): number | null => {
  const effect = record.effects.find((one) => one.what === what);
  return effect?.tookMs === null || effect === undefined ? null : effect.atMs + effect.tookMs;
};

const firstMark = (record: TransitionRecord, what: string): number | null =>
  record.marks.find((mark) => mark.what === what && mark.atMs >= 0)?.atMs ?? null;

/** When the switch was done: the addresses announced, or, where nobody claimed, lowered. */
const doneAt = (record: TransitionRecord): number | null =>
  record.kind === "claim"
    ? (endOf(record, "announce") ?? endOf(record, "raise"))
    : endOf(record, "lower");

export function phasesOf(pair: PairTransition): Phases {
  const { main, other } = pair;
  const switchingMs = doneAt(main);
  const rest = Math.max(0, switchingMs ?? 0);
  const phases = (detectionMs: number, decisionMs: number): Phases => {
    const [detection, decision] = [Math.max(0, detectionMs), Math.max(0, decisionMs)];
    return {
      detectionMs: detection,
      decisionMs: decision,
      switchingMs,
      totalMs: detection + decision + rest,
    };
  };
  const waited = -main.beganMs;
  if (main.outcome === "rolled-back") return phases(waited, firstMark(main, "rolled-back") ?? 0);
  if (main.kind === "claim" && main.rule === "yield" && other?.kind === "hand-over") {
    // The other decided; this node's claim is its answer.
    return phases(-other.beganMs, -onMainClock(pair, 0));
  }
  if (main.rule === "silence") {
    const detection = Math.min(waited, main.situation.timings.deadtimeMs);
    return phases(detection, waited - detection);
  }
  const ordered = main.rule === "order" || main.rule === "failback";
  return ordered ? phases(0, waited) : phases(waited, 0);
}

/** Effects in words; what waits for nothing and takes no time is told in one clause. */
function effectText(effect: TransitionEffect, record: TransitionRecord): string {
  const count = record.situation.floatingIps;
  const addresses = `${count} floating IP${count === 1 ? "" : "s"}`;
  switch (effect.what) {
    case "grant-lease":
      return "lease granted: its kernel answers ARP";
    case "refresh-lease":
      return "lease made anew";
    case "revoke-lease":
      return "lease revoked: its kernel answers no ARP";
    case "raise":
      return `${addresses} raised`;
    case "lower":
      return `${addresses} lowered`;
    case "announce":
      return "announced to the neighbours";
    case "stop-announcing":
      return "announcements stopped";
    case "send-adverts":
      return "adverts say so";
    case "remember":
      return "remembered";
    case "tell-condition":
      return record.to === "passive" ? "forwarder told, which flushes" : "forwarder told";
    default:
      return effect.what;
  }
}

/** Shorter effects that follow each other are told in one row. */
const QUICK_MS = 0.5;

function effectRows(record: TransitionRecord, shift: number): StoryRow[] {
  const rows: StoryRow[] = [];
  let joined: { row: StoryRow; until: number } | undefined;
  for (const effect of record.effects) {
    const { tookMs, error } = effect;
    const atMs = effect.atMs + shift;
    const text = effectText(effect, record);
    const plain = { atMs, node: record.node };
    if (error !== undefined) {
      rows.push({ ...plain, text: `${text}: FAILED, ${error}`, tookMs, weight: "trouble" });
      joined = undefined;
    } else if (tookMs === null) {
      rows.push({ ...plain, text: `${text}: not done`, tookMs, weight: "trouble" });
      joined = undefined;
    } else if (tookMs > QUICK_MS) {
      rows.push({ ...plain, text, tookMs, weight: "step" });
      joined = undefined;
    } else if (joined !== undefined && atMs - joined.until < 2 * QUICK_MS) {
      const row = { ...joined.row, text: `${joined.row.text}, ${text}` };
      rows[rows.length - 1] = row;
      joined = { row, until: atMs + tookMs };
    } else {
      const row: StoryRow = { ...plain, text, tookMs: null, weight: "step" };
      rows.push(row);
      joined = { row, until: atMs + tookMs };
    }
  }
  return rows;
}

/** What the decision itself says, or the other node's record. */
const HIDDEN: ReadonlySet<string> = new Set(["peer-claim", "peer-silent"]);
/** After the decision only what belongs to the switch; the rest is the next story. */
const CONSEQUENCES: ReadonlySet<string> = new Set([
  "neighbour",
  "first-packet",
  "stall",
  "rolled-back",
]);
const tells = ({ what, atMs }: TransitionMark): boolean =>
  atMs > 0 ? CONSEQUENCES.has(what) : !HIDDEN.has(what);

function markRows(record: TransitionRecord, shift: number, from: number): StoryRow[] {
  const weight = (mark: TransitionMark): StoryRow["weight"] =>
    mark.what === "stall" || mark.what === "rolled-back"
      ? "trouble"
      : mark.atMs < 0
        ? "cause"
        : "step";
  return record.marks
    .filter((mark) => mark.atMs >= from && tells(mark))
    .map((mark) => ({
      atMs: mark.atMs + shift,
      node: record.node,
      text: mark.text,
      tookMs: null,
      weight: weight(mark),
    }));
}

/** The last advert on each path; for every switch that silence decided or could have. */
function pathRows(record: TransitionRecord): StoryRow[] {
  const { peerName, paths } = record;
  if (record.kind !== "claim" || record.rule !== "silence") return [];
  return paths.map(({ local, peer, heardAgeMs, missed }, index) => ({
    atMs: heardAgeMs === null ? Math.min(0, record.beganMs) : -heardAgeMs,
    node: record.node,
    text:
      heardAgeMs === null
        ? `path ${index + 1} (${local} - ${peer}): never heard`
        : `last advert of ${peerName ?? "the peer"} on path ${index + 1} (${peer}), then ${missed} missed`,
    tookMs: null,
    weight: "cause",
  }));
}

const decisionRow = (record: TransitionRecord, shift: number): StoryRow => {
  const text = {
    claim: `claims ${record.epoch}: ${record.because}`,
    "hand-over": `hands over ${record.epoch}: ${record.because}`,
    "stand-down": `stands down: ${record.because}`,
  }[record.kind];
  return { atMs: shift, node: record.node, text, tookMs: null, weight: "decision" };
};

/** Marks older than what began it explain little; a second more is shown. */
const LEAD_MS = 1000;

export function tellStory(pair: PairTransition): Story {
  const { main, other } = pair;
  const rule = rootRule(pair);
  const shift = onMainClock(pair, 0);
  const claimed = main.kind === "claim";
  const otherName = main.peerName ?? other?.node ?? "the peer";
  const from = main.beganMs - LEAD_MS;
  const rows = [
    ...pathRows(main),
    ...markRows(main, 0, from),
    decisionRow(main, 0),
    ...effectRows(main, 0),
    ...(other === null
      ? []
      : [
          ...markRows(other, shift, other.beganMs - LEAD_MS),
          decisionRow(other, shift),
          ...effectRows(other, shift),
        ]),
  ];
  const order = new Map(rows.map((row, index) => [row, index]));
  rows.sort((a, b) => a.atMs - b.atMs || (order.get(a) ?? 0) - (order.get(b) ?? 0));
  const took = claimed && main.otherEpoch !== null;
  const verb = took ? `took over from ${otherName}` : claimed ? "became active" : "became passive";
  const handedBack = main.outcome === "rolled-back";
  return {
    active: claimed || handedBack ? main.node : null,
    from: took ? otherName : null,
    rule: handedBack ? "no-answer" : rule,
    headline: handedBack
      ? `${main.node} stayed active: ${wordsFor("no-answer", otherName)}`
      : `${main.node} ${verb}: ${reason(rule, otherName, other)}`,
    because: main.rule === "yield" && other !== null ? other.because : main.because,
    phases: phasesOf(pair),
    rows,
    neighbourMs: claimed ? firstMark(main, "neighbour") : null,
    packetMs: claimed ? firstMark(main, "first-packet") : null,
  };
}
