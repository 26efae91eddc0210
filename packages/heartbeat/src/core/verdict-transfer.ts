// verdict-transfer.ts — the active's verdicts in pieces that fit a datagram, and whole again.
import type { RevisionId, Verdicts } from "@lbpair/common";
import { VERDICTS_PARTS_MAX, VERDICTS_TEXT_BYTES_MAX } from "./wire.js";

/** Characters of one piece; labels are ASCII, so that a character is a byte. */
const PIECE = VERDICTS_TEXT_BYTES_MAX;
export const VERDICTS_BYTES_MAX = VERDICTS_PARTS_MAX * PIECE;

/** The pieces of the verdicts; undefined where they are too long to travel. */
export function splitVerdicts(verdicts: Verdicts): string[] | undefined {
  const text = JSON.stringify([verdicts.unhealthy, verdicts.unknown]);
  if (text.length > VERDICTS_BYTES_MAX) return undefined;
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += PIECE) pieces.push(text.slice(at, at + PIECE));
  return pieces;
}

export interface Assembly {
  readonly id: RevisionId;
  readonly pieces: readonly (string | undefined)[];
}

const isStringList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

/** Adds a piece; the verdicts are there once every piece of one serial and hash has come. */
export function assemble(
  before: Assembly | undefined,
  piece: {
    readonly id: RevisionId;
    readonly part: number;
    readonly parts: number;
    readonly text: string;
  },
): { readonly assembly: Assembly | undefined; readonly verdicts: Verdicts | undefined } {
  const { id, part, parts, text } = piece;
  const same =
    before !== undefined &&
    before.id.serial === id.serial &&
    before.id.hash === id.hash &&
    before.pieces.length === parts;
  const pieces = same ? [...before.pieces] : Array.from({ length: parts }, () => undefined);
  const filled: (string | undefined)[] = pieces;
  filled[part] = text;
  if (filled.some((each) => each === undefined)) {
    return { assembly: { id, pieces: filled }, verdicts: undefined };
  }
  try {
    const parsed = JSON.parse(filled.join("")) as unknown;
    if (Array.isArray(parsed) && isStringList(parsed[0]) && isStringList(parsed[1])) {
      const verdicts = { ...id, unhealthy: parsed[0], unknown: parsed[1] };
      return { assembly: undefined, verdicts };
    }
  } catch {
    // Pieces of different contents under one hash: throw them away and take what comes next.
  }
  return { assembly: undefined, verdicts: undefined };
}
