// flap-rule.ts — moves of the role by health as the election counts, holds back and tells them.
import { describeDuration, formatDuration, type Millis } from "@lbpair/common/light";
import type { Effect } from "./effects.js";
import type { ElectionSettings, ElectionState, Step } from "./election-state.js";
import { heldUntil, movesCounted, NO_FLAPS, noteMove } from "./flap-governor.js";

/** How to get the role moving again; an order always does. */
const WAYS_OUT = "`lbpair clear-flaps` ends this, and `lbpair make-active` moves the role anyway";

const alarm = (event: string, text: string, facts: Readonly<Record<string, unknown>>): Effect => ({
  kind: "record",
  level: "alarm",
  event,
  text,
  facts,
});

/** A step by which health moves the role: it counts, and where it is one too many, that is told. */
export function countMove([state, effects]: Step, settings: ElectionSettings, now: Millis): Step {
  const flaps = noteMove(state.flaps, now, settings);
  const next = { ...state, flaps };
  const remembered = effects.some(({ kind }) => kind === "remember");
  const news: Effect[] = remembered ? [] : [{ kind: "remember" }];
  if (flaps.held && flaps !== state.flaps) {
    const { flapWindow, flapHold } = settings;
    const times = flaps.moves.length === 1 ? "once" : `${flaps.moves.length} times`;
    const text = `health has moved the role ${times} within ${formatDuration(flapWindow)}: it moves it no more for ${formatDuration(flapHold)}; ${WAYS_OUT}`;
    const facts = { moves: flaps.moves.length, heldForMs: flapHold };
    news.push(alarm("flaps-held", text, facts));
  }
  return [next, [...effects, ...news]];
}

/** The end of a hold is told once. */
export function noticeHoldOver(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
): Step {
  if (!state.flaps.held || heldUntil(state.flaps, now, settings) !== null) return [state, []];
  const text = "the hold is over: health moves the role again";
  return [
    { ...state, flaps: NO_FLAPS, heldBetter: false },
    [{ kind: "remember" }, { kind: "record", level: "info", event: "flaps-over", text, facts: {} }],
  ];
}

/** Health would move the role and may not: told once in a hold. */
export function tellHeld(state: ElectionState, settings: ElectionSettings, now: Millis): Step {
  const until = heldUntil(state.flaps, now, settings);
  if (until === null || state.heldBetter) return [state, []];
  const text = `the peer would be the better active, but health has moved the role too often and may not for ${describeDuration(until - now)}; ${WAYS_OUT}`;
  const facts = { faults: state.faults, peerFaults: state.peer?.faults ?? null };
  return [{ ...state, heldBetter: true }, [alarm("flaps-hold-back", text, facts)]];
}

/** An operator says that the trouble is over. */
export function onClearFlaps(
  state: ElectionState,
  settings: ElectionSettings,
  now: Millis,
  by: string,
): Step {
  const moves = movesCounted(state.flaps, now, settings);
  const held = heldUntil(state.flaps, now, settings) !== null;
  const was = `${moves} move${moves === 1 ? "" : "s"} counted${held ? ", and health was held back" : ""}`;
  const text = `${by} cleared the memory of moves by health: ${was}`;
  return [
    { ...state, flaps: NO_FLAPS, heldBetter: false, worseSince: null },
    [
      { kind: "remember" },
      { kind: "record", level: "info", event: "flaps-cleared", text, facts: { moves, held } },
    ],
  ];
}
