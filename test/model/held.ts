// held.ts — connections that stay open over many moves: cut with their server, untouched by everything else.
import type { Random } from "../sim/random.js";
import type { FlowMemory } from "./flow-memory.js";
import { type Flow, type Place, serviceOf, servingOf, tcpGoesOn } from "./model.js";
import { flowToHold } from "./questions.js";
import type { Setup } from "./setup.js";
import type { Talkers } from "./talkers.js";
import type { Wrong } from "./wrong.js";

const HELD_MOST = 6;
const HOLD_SHARE = 0.35;

interface Open {
  readonly flow: Flow;
  readonly place: Place;
}

export interface HeldConnections {
  /** After a move: who had to end has ended, everybody else is answered by the same server. */
  check(setup: Setup): Promise<Wrong[]>;
  /** Perhaps opens another one, where what is configured is surely in force. */
  open(random: Random, setup: Setup, inForce: boolean): Promise<Wrong[]>;
  readonly flows: readonly Flow[];
  readonly counts: { readonly opened: number; readonly cut: number; readonly echoes: number };
  /** Whether only a pin says this flow's server. */
  needsPin(setup: Setup, flow: Flow): boolean;
  /** Whether its server is said by what packets have written, where that has not changed meanwhile. */
  persists(setup: Setup, flow: Flow): boolean;
}

export function createHeldConnections(talkers: Talkers, memory: FlowMemory): HeldConnections {
  let held: Open[] = [];
  let serial = 0;
  let opened = 0;
  let cut = 0;
  let echoes = 0;
  return {
    async check(setup) {
      const answers = await talkers.echo(held.map(({ flow }) => flow));
      echoes += answers.length;
      const stay: Open[] = [];
      const wrong = held.flatMap((each, i): Wrong[] => {
        const goesOn = tcpGoesOn(setup, each.flow, each.place);
        if (goesOn) stay.push(each);
        else cut += 1;
        const want = goesOn ? each.place : "cut";
        const got = answers[i] ?? "nothing";
        return got === want
          ? []
          : [{ what: "open connection", flow: each.flow, want: [want], got }];
      });
      held = stay;
      return wrong;
    },
    async open(random, setup, inForce) {
      // The dice are thrown whatever comes of it: a game has to replay although servers take turns.
      serial += 1;
      const wanted = random.chance(HOLD_SHARE);
      const flow = flowToHold(random, setup.services, serial);
      if (!wanted || !inForce || flow === undefined || held.length >= HELD_MOST) return [];
      const want = memory.right(setup, flow, true);
      if (want.includes("refused")) return [];
      const [got = "nothing"] = await talkers.hold([flow]);
      opened += 1;
      if (!want.includes(got)) return [{ what: "new connection, held", flow, want, got }];
      memory.beginRound();
      memory.note(setup, flow, got, true);
      held.push({ flow, place: got });
      return [];
    },
    get flows() {
      return held.map(({ flow }) => flow);
    },
    get counts() {
      return { opened, cut, echoes };
    },
    needsPin(setup, flow) {
      const service = serviceOf(setup, flow);
      if (service === undefined || service.persistence !== null) return false;
      if (service.scheduler.endsWith("hash")) return false;
      return servingOf(setup, service).length > 1;
    },
    persists: (setup, flow) => (serviceOf(setup, flow)?.persistence ?? null) !== null,
  };
}
