// holds.ts — services that stay on their fallback until an operator releases them, as part of the modes.
import {
  formatMoment,
  type HeldEntry,
  type ModesConfig,
  ProblemsError,
  showValue,
} from "@lbpair/common";
import { withHeld } from "./mode-list.js";

/** What a forwarder, or an operator, asks for. */
export type HoldRequest =
  | { readonly hold: readonly { readonly service: string; readonly reason: string | null }[] }
  | {
      readonly release: readonly string[];
      readonly by: string | null;
      readonly reason: string | null;
    };

export interface HoldChange {
  readonly service: string;
  /** null = released. */
  readonly entry: HeldEntry | null;
  readonly text: string;
}

const SERVICES_MAX = 10_000;

const textOf = (value: unknown, most: number): string | null =>
  typeof value === "string" && value !== "" && value.length <= most && !/\p{Cc}/u.test(value)
    ? value
    : null;

/** Undefined where the body is no such request. */
export function readHoldRequest(body: unknown): HoldRequest | undefined {
  const { hold, release, by, reason } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (Array.isArray(hold)) {
    return {
      hold: hold.slice(0, SERVICES_MAX).map((raw: unknown) => {
        const one = (raw ?? {}) as Readonly<Record<string, unknown>>;
        return { service: String(one.service), reason: textOf(one.reason, 200) };
      }),
    };
  }
  if (!Array.isArray(release)) return undefined;
  return {
    release: release.slice(0, SERVICES_MAX).map(String),
    by: textOf(by, 64),
    reason: textOf(reason, 200),
  };
}

/** What a request changes, or ProblemsError; a service that is held already keeps its first reason. */
export function holdChanges(request: HoldRequest, before: ModesConfig, now: number): HoldChange[] {
  const held = new Map((before.held ?? []).map((entry) => [entry.service, entry]));
  if ("hold" in request) {
    return request.hold
      .filter(({ service }) => !held.has(service))
      .map(({ service, reason }) => ({
        service,
        entry: { service, since: formatMoment(now), ...(reason === null ? {} : { reason }) },
        text: `${service}: held on its fallback until an operator releases it (lbpair release ${service})`,
      }));
  }
  const wrong = request.release.find((service) => !held.has(service));
  if (wrong !== undefined) {
    const known = [...held.keys()].slice(0, 12).join(", ") || "none";
    const want = `a service that is held: ${known}`;
    throw new ProblemsError([
      { code: "wrong-value", path: "release", want, got: showValue(wrong) },
    ]);
  }
  const who = request.by === null ? "" : ` by ${request.by}`;
  const why = request.reason === null ? "" : `: ${request.reason}`;
  return request.release.map((service) => ({
    service,
    entry: null,
    text: `${service}: released${who}, it returns to its real servers when they are healthy${why}`,
  }));
}

export const heldAfter = (
  before: ModesConfig,
  changes: readonly HoldChange[],
  serialAbove: number,
): ModesConfig => {
  const changed = new Set(changes.map(({ service }) => service));
  const others = (before.held ?? []).filter(({ service }) => !changed.has(service));
  const held = [...others, ...changes.flatMap(({ entry }) => entry ?? [])];
  return withHeld(before, held, serialAbove);
};
