// path-watch.ts — what is wrong with which path, told when it lasts; never a reason to move the role.
import type { Millis, PathStatus } from "@lbpair/common/light";

export type PathState = PathStatus["state"];

/** What is known of one path now. */
export interface PathView {
  readonly local: string;
  readonly peer: string;
  /** Whether the local address is there. */
  readonly bound: boolean;
  /** Milliseconds since the peer was heard there; null = never. */
  readonly ageMs: number | null;
  /** Whether the peer says that it hears this node there; null = it does not say. */
  readonly heardByPeer: boolean | null;
  /** What does not come, and what the peer says does not come to it. */
  readonly lossPermille: number | null;
  readonly peerLossPermille: number | null;
}

interface PathTimings {
  readonly warntime: number;
  readonly deadtime: number;
}

export type PathTrouble = "silent" | "one-way" | "lossy";

export interface PathNews {
  /** 0 is the first. */
  readonly path: number;
  /** null = it is well again. */
  readonly trouble: PathTrouble | null;
  readonly text: string;
}

/** Loss from which a path is told to be lossy, and below which it is well again. */
export const LOSSY_PERMILLE = 100;
const LOSSY_NO_MORE_PERMILLE = 30;
/** Trouble, and its end, is told once it has lasted a deadtime, and this long at least. */
const SETTLE_MS_LEAST = 1000;

const isSilent = ({ ageMs }: PathView, { deadtime }: PathTimings): boolean =>
  ageMs === null || ageMs > deadtime;

export function stateOf(view: PathView, timings: PathTimings): PathState {
  if (!view.bound) return "unbound";
  if (isSilent(view, timings)) return "silent";
  if (view.heardByPeer === false) return "one-way";
  return (view.ageMs ?? 0) > timings.warntime ? "late" : "hearing";
}

const percent = (permille: number | null): string =>
  permille === null ? "an unknown share" : `${Math.round(permille / 10)} %`;

function troubleOf(
  view: PathView,
  told: PathTrouble | null,
  timings: PathTimings,
): PathTrouble | null {
  if (!view.bound) return "silent";
  // One direction works: the peer hears us where we hear nothing, or the other way about.
  if (isSilent(view, timings)) return view.heardByPeer === true ? "one-way" : "silent";
  if (view.heardByPeer === false) return "one-way";
  const worse = Math.max(view.lossPermille ?? 0, view.peerLossPermille ?? 0);
  const lossy = worse >= (told === "lossy" ? LOSSY_NO_MORE_PERMILLE : LOSSY_PERMILLE);
  return lossy ? "lossy" : null;
}

function inWords(view: PathView, trouble: PathTrouble | null, timings: PathTimings): string {
  switch (trouble) {
    case "silent":
      return view.bound
        ? "nothing is heard there in either direction; the peer is heard on another path"
        : `the address ${view.local} is not on this node`;
    case "one-way":
      return isSilent(view, timings)
        ? "nothing comes in there, though the peer hears this node there"
        : "the peer hears nothing of this node there, though it is heard";
    case "lossy":
      return `${percent(view.lossPermille)} of the peer's adverts do not come in, and ${percent(view.peerLossPermille)} of ours do not arrive`;
    case null:
      return "well again";
    default:
      return trouble satisfies never;
  }
}

interface Told {
  trouble: PathTrouble | null;
  /** What is seen now and not told yet, and since when. */
  pending: { readonly trouble: PathTrouble | null; readonly since: Millis } | null;
}

export class PathWatch {
  private readonly told: Told[] = [];

  /** `alive`: a dead peer is silent on every path, which says nothing of the paths. */
  judge(views: readonly PathView[], alive: boolean, timings: PathTimings, now: Millis): PathNews[] {
    const settle = Math.max(timings.deadtime, SETTLE_MS_LEAST);
    return views.flatMap((view, path) => {
      const told: Told = this.told[path] ?? { trouble: null, pending: null };
      this.told[path] = told;
      const trouble = troubleOf(view, told.trouble, timings);
      if (!alive || trouble === told.trouble) {
        told.pending = null;
        return [];
      }
      if (told.pending?.trouble !== trouble) told.pending = { trouble, since: now };
      if (now - told.pending.since < settle) return [];
      told.trouble = trouble;
      told.pending = null;
      const which = `path ${path + 1}, ${view.local} to ${view.peer}`;
      return [{ path, trouble, text: `${which}: ${inWords(view, trouble, timings)}` }];
    });
  }
}
