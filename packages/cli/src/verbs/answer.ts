// answer.ts — reading what a daemon answered without trusting that it is of our version.
import type { ChangeAnswer, PeerAnswer, ReplicationState } from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { type Line, line, span, type Tone } from "../render/text.js";

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const textOf = (value: unknown, key: string): string | undefined => {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === "string" && found !== "" ? found : undefined;
};

export const listOf = (value: unknown, key: string): readonly unknown[] => {
  const found = isRecord(value) ? value[key] : undefined;
  return Array.isArray(found) ? found : [];
};

const GOOD: ReadonlySet<string> = new Set(["in-sync", "unpaired"] satisfies ReplicationState[]);

/** How the peer stands: one line. */
export function peerLine(peer: unknown, glyphs: Glyphs): Line {
  const state = textOf(peer, "state" satisfies keyof PeerAnswer) ?? "unknown";
  const reason = textOf(peer, "reason");
  const good = GOOD.has(state);
  const tone: Tone = good ? "green" : "yellow";
  if (state === "unpaired") return line(span("  no peer: a single appliance", "dim"));
  return line(
    span(`  ${good ? glyphs.on : glyphs.some} `, tone),
    "peer: ",
    span(state, tone),
    reason === undefined || good ? "" : `, ${reason}`,
  );
}

/** Differences as a person compares them: path, what was, what becomes. */
export function changeLines(changes: readonly unknown[], glyphs: Glyphs): Line[] {
  return changes.filter(isRecord).map((change) => {
    const kind = textOf(change, "kind") as ChangeAnswer["kind"] | undefined;
    const path = textOf(change, "path") ?? "";
    const was = textOf(change, "was");
    const becomes = textOf(change, "becomes");
    if (kind === "add") {
      return line(span(`  ${glyphs.add} ${path}: ${becomes ?? ""}`, "green"));
    }
    if (kind === "remove") {
      return line(span(`  ${glyphs.remove} ${path}: ${was ?? ""}`, "red"));
    }
    return line(
      span(`  ${glyphs.change} ${path}: `, "yellow"),
      span(was ?? "nothing", "red"),
      ` ${glyphs.arrow} `,
      span(becomes ?? "nothing", "green"),
    );
  });
}

/** "revision 12 (4f0a1b2c)" of a RevisionId that came over a socket. */
export function revisionText(revision: unknown): string {
  if (!isRecord(revision)) return "no revision";
  return `revision ${String(revision.serial)} (${String(revision.hash).slice(0, 8)})`;
}
