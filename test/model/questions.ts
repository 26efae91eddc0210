// questions.ts — which flows chance asks about after a move.
import type { Random } from "../sim/random.js";
import { type Flow, serviceOf } from "./model.js";
import type { Ask } from "./prober-main.js";
import {
  CLIENTS,
  numberOf,
  type Protocol,
  protocolsOf,
  SERVICE_NUMBERS,
  type Service,
  type Setup,
  VIPS,
  vipPortsOf,
} from "./setup.js";

const WAIT_MS = 1000;
/** Nothing is expected to come; where something does, it comes at once. */
const SILENCE_MS = 60;
const ASKED_PER_PROTOCOL = 2;
/** Client ports of one VIP port and protocol: few, so that flows are met again. */
const FLOWS = 12;
const STRANGER_SHARE = 0.1;

/** Every VIP port has client ports of its own: servers that several services share tell flows apart by them. */
const clientPort = (number: number, vipPort: number, k: number): number =>
  30_000 + number * 1000 + (vipPort % 100) * 100 + k;

function flowOf(
  random: Random,
  number: number,
  vip: string,
  vipPort: number,
  protocol: Protocol,
): Flow {
  return {
    protocol,
    client: random.pick(CLIENTS),
    clientPort: clientPort(number, vipPort, random.below(FLOWS)),
    vip,
    vipPort,
  };
}

/** Nobody serves this socket of a floating IP. */
function stranger(random: Random, setup: Setup): Ask[] {
  const number = random.pick(SERVICE_NUMBERS);
  const vip = random.pick(VIPS);
  const vipPort = random.pick(vipPortsOf(number));
  const flow = flowOf(random, number, vip, vipPort, random.pick(["tcp", "udp"]));
  const isFloating = setup.services.some((service) => service.vip === vip);
  if (!isFloating || serviceOf(setup, flow) !== undefined) return [];
  return [{ flow, waitMs: SILENCE_MS }];
}

const socketOf = ({ flow }: Ask): string => `${flow.protocol} ${flow.client}:${flow.clientPort}`;

/** Each client's socket at most once: two questions at a time from one could not be told apart. */
export function questions(random: Random, setup: Setup): Ask[] {
  const asks = setup.services.flatMap((service) => {
    const number = numberOf(service);
    return protocolsOf(service).flatMap((protocol) =>
      Array.from({ length: ASKED_PER_PROTOCOL }, () => ({
        flow: flowOf(random, number, service.vip, random.pick(service.ports), protocol),
        waitMs: WAIT_MS,
      })),
    );
  });
  if (random.chance(STRANGER_SHARE)) asks.push(...stranger(random, setup));
  return [...new Map(asks.map((ask) => [socketOf(ask), ask])).values()];
}

/** A connection to be held, from a client port of its own. */
export function flowToHold(
  random: Random,
  services: readonly Service[],
  serial: number,
): Flow | undefined {
  const tcp = services.filter((service) => protocolsOf(service).includes("tcp"));
  if (tcp.length === 0) return undefined;
  const service = random.pick(tcp);
  return {
    protocol: "tcp",
    client: random.pick(CLIENTS),
    clientPort: 40_000 + (serial % 20_000),
    vip: service.vip,
    vipPort: random.pick(service.ports),
  };
}
