// wrong.ts — a disagreement between the model and the packets, and how it is told.
import { type Answer, type Flow, flowKey } from "./model.js";

export interface Wrong {
  readonly what: string;
  readonly flow: Flow;
  readonly want: readonly (Answer | "cut")[];
  readonly got: string;
}

export const wrongText = ({ what, flow, want, got }: Wrong): string =>
  `${what} ${flowKey(flow)}: the model says ${want.join(" or ")}, the packets say ${got}`;
