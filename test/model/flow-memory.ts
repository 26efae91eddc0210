// flow-memory.ts — what flows have been answered before, and what that says of the next answer.
//
// A hash names the same server for the same flow as long as configuration and serving servers are the
// same; a server that stops serving moves no other's flows (laws below). UDP flows stay with who has them.
// Where a service has persistence, the server a client had comes before the deal (kept-servers.ts).
import { createKeptServers } from "./kept-servers.js";
import {
  type Answer,
  type Flow,
  flowKey,
  type Place,
  placeOf,
  rightAnswers,
  serviceOf,
  servingOf,
  udpStays,
} from "./model.js";
import type { Setup } from "./setup.js";

interface Seen {
  readonly serving: ReadonlySet<Place>;
  readonly place: Place;
}

export interface FlowMemory {
  /**
   * Every answer that is right now, given what was seen. While it is not sure what is in force, what
   * was seen of deals is no measure: a UDP flow that began before stays where it began.
   */
  right(setup: Setup, flow: Flow, inForce: boolean): readonly Answer[];
  /** Keeps what was seen and right; of the deal only what was seen when it was surely in force. */
  note(setup: Setup, flow: Flow, answer: Answer, inForce: boolean): void;
  /** A round of questions begins. */
  beginRound(): void;
  /** Asked while it is not sure what is in force: whom its client will come back to is not known any more. */
  doubt(setup: Setup, flow: Flow): void;
  /** After a change: flows that lost their server are free. */
  settle(before: Setup, now: Setup): void;
  /** The connection table was emptied. */
  forget(): void;
  /** The table of rules was deleted, with all that packets have written there. */
  loseTable(): void;
}

/** What the deal depends on, besides who serves. */
const dealOf = (setup: Setup, flow: Flow): string => {
  const service = serviceOf(setup, flow);
  return JSON.stringify([service?.scheduler, service?.servers]);
};

const addressOf = (place: Answer): string => place.split(":")[0] ?? "";

const isSubset = (a: ReadonlySet<Place>, b: ReadonlySet<Place>): boolean =>
  [...a].every((place) => b.has(place));

/** By the laws of dealing, whether this place may follow what was seen. */
function follows(seen: Seen, serving: ReadonlySet<Place>, place: Place): boolean {
  // Others left: who still serves keeps its flows. Others came: they alone may have taken it.
  if (isSubset(serving, seen.serving) && serving.has(seen.place)) return place === seen.place;
  if (isSubset(seen.serving, serving)) return place === seen.place || !seen.serving.has(place);
  return true;
}

export function createFlowMemory(): FlowMemory {
  const kept = createKeptServers();
  const udp = new Map<string, { readonly flow: Flow; readonly place: Place }>();
  const dealt = new Map<string, { readonly deal: string; readonly seen: Seen[] }>();
  /** By source hash the client's port does not matter. */
  const dealKey = (setup: Setup, flow: Flow): string => {
    const service = serviceOf(setup, flow);
    const socket = service?.scheduler === "source-hash" ? flow.client : flowKey(flow);
    return `${service?.label} ${flow.vipPort} ${socket}`;
  };
  const servingPlaces = (setup: Setup, flow: Flow): Set<Place> => {
    const service = serviceOf(setup, flow);
    const serving = service === undefined ? [] : servingOf(setup, service);
    return new Set(serving.map((server) => placeOf(server, flow.vipPort)));
  };
  const isHashed = (setup: Setup, flow: Flow): boolean => {
    const service = serviceOf(setup, flow);
    return service?.persistence === null && service.scheduler.endsWith("hash");
  };
  return {
    right(setup, flow, inForce) {
      const owner = flow.protocol === "udp" ? udp.get(flowKey(flow)) : undefined;
      if (owner !== undefined) return [owner.place];
      const had = kept.allow(setup, flow);
      const answers = rightAnswers(setup, flow).filter(
        (answer) => had === undefined || had.has(addressOf(answer)),
      );
      const known = dealt.get(dealKey(setup, flow));
      if (!inForce || !isHashed(setup, flow) || known === undefined) return answers;
      if (known.deal !== dealOf(setup, flow)) return answers;
      const serving = servingPlaces(setup, flow);
      return answers.filter((place) => known.seen.every((seen) => follows(seen, serving, place)));
    },
    note(setup, flow, answer, inForce) {
      const wasOpen = flow.protocol === "udp" && udp.has(flowKey(flow));
      if (!wasOpen && inForce)
        kept.note(setup, flow, answer === "refused" ? null : addressOf(answer));
      if (answer === "refused" || answer === "silence") return;
      if (flow.protocol === "udp") udp.set(flowKey(flow), { flow, place: answer });
      // An old flow's answer says nothing of the deal; nor does the fallback's, which nobody dealt.
      const serving = servingPlaces(setup, flow);
      if (!inForce || wasOpen || serving.size < 2 || !isHashed(setup, flow)) return;
      const deal = dealOf(setup, flow);
      const key = dealKey(setup, flow);
      const known = dealt.get(key);
      const seen = known?.deal === deal ? known.seen : [];
      const isSame = (one: Seen) =>
        one.place === answer && isSubset(one.serving, serving) && isSubset(serving, one.serving);
      if (!seen.some(isSame)) seen.push({ serving, place: answer });
      dealt.set(key, { deal, seen });
    },
    beginRound: () => kept.beginRound(),
    doubt: (setup, flow) => kept.note(setup, flow, null),
    settle(before, now) {
      for (const [key, { flow, place }] of udp) if (!udpStays(now, flow, place)) udp.delete(key);
      kept.settle(before, now);
    },
    forget() {
      udp.clear();
    },
    loseTable: () => kept.lose(),
  };
}
