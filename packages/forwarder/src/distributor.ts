// distributor.ts — distributions from one state to the next: only what a change concerns is decided anew.
import type { Verdicts } from "@lbpair/common";
import { type Full, isFull, NONE_FULL } from "./connection-limits.js";
import { type Distribution, distributeOne, type FullOf } from "./distribution.js";
import { healthFrom } from "./pool.js";
import type { PlannedService } from "./server-plan.js";
import { type Numbers, numbersOf } from "./service-id.js";
import { NOT_STEERED, type Steered, weightFrom } from "./steering.js";

/** All that a distribution is a function of. */
export interface DistributorInput {
  readonly services: readonly PlannedService[];
  readonly health: Pick<Verdicts, "unhealthy" | "unknown">;
  readonly steered: Steered;
  /** Labels of services that are held on their fallback and not written down yet. */
  readonly held: ReadonlySet<string>;
  /** Ids of servers at their maximum of connections. */
  readonly full: Full;
}

const NOTHING: DistributorInput = {
  services: [],
  health: { unhealthy: [], unknown: [] },
  steered: NOT_STEERED,
  held: new Set(),
  full: NONE_FULL,
};

const serviceOf = (id: string): string => id.slice(0, id.indexOf("/"));

function* onlyInOne(a: ReadonlySet<string>, b: ReadonlySet<string>): Generator<string> {
  if (a === b) return;
  for (const each of a) if (!b.has(each)) yield each;
  for (const each of b) if (!a.has(each)) yield each;
}

/** Services of which a server is in one of the lists and not in the other. */
function addDifference(labels: Set<string>, a: readonly string[], b: readonly string[]): void {
  if (a === b) return;
  for (const id of onlyInOne(new Set(a), new Set(b))) labels.add(serviceOf(id));
}

function addSteered(labels: Set<string>, a: Steered, b: Steered): void {
  if (a === b) return;
  for (const [id, weight] of a) if (b.get(id) !== weight) labels.add(serviceOf(id));
  for (const id of b.keys()) if (!a.has(id)) labels.add(serviceOf(id));
}

const sameNumbers = ({ service, id, serverNumbers }: Distribution, numbers: Numbers): boolean =>
  numbers.services.get(service.label) === id &&
  service.servers.every((server, i) => numbers.servers.get(server.id) === serverNumbers[i]);

/**
 * Answers as `distribute` would, whatever it was asked before; a service that nothing has changed for
 * keeps its very object, and where nothing changed at all the answer is the same list.
 */
export class Distributor {
  #input = NOTHING;
  #numbers: Numbers | null = null;
  #distributions: readonly Distribution[] = [];

  distribute(input: DistributorInput): readonly Distribution[] {
    const { numbers, distributions } = this.#decide(input);
    this.#input = input;
    this.#numbers = numbers;
    this.#distributions = distributions;
    return distributions;
  }

  /** The same answer, without remembering that it was asked. */
  preview(input: DistributorInput): readonly Distribution[] {
    return this.#decide(input).distributions;
  }

  #concerned(input: DistributorInput): ReadonlySet<string> {
    const before = this.#input;
    const concerned = new Set<string>();
    addDifference(concerned, before.health.unhealthy, input.health.unhealthy);
    addDifference(concerned, before.health.unknown, input.health.unknown);
    addSteered(concerned, before.steered, input.steered);
    for (const label of onlyInOne(before.held, input.held)) concerned.add(label);
    for (const id of onlyInOne(before.full, input.full)) concerned.add(serviceOf(id));
    return concerned;
  }

  #decide(input: DistributorInput): {
    readonly numbers: Numbers;
    readonly distributions: readonly Distribution[];
  } {
    const concerned = this.#concerned(input);
    const numbers = numbersOf(input.services);
    if (this.#input.services === input.services && concerned.size === 0) {
      return { numbers, distributions: this.#distributions };
    }
    const renumbered = numbers !== this.#numbers;
    const healthOf = healthFrom(input.health);
    const { held, full } = input;
    const fullOf: FullOf = (server) => isFull(server, full);
    const present = { weightOf: weightFrom(input.steered), held, fullOf };
    const known = new Map(this.#distributions.map((each) => [each.service, each]));
    const distributions = input.services.map((service) => {
      const before = known.get(service);
      const stays =
        before !== undefined &&
        !concerned.has(service.label) &&
        (!renumbered || sameNumbers(before, numbers));
      return stays ? before : distributeOne(service, numbers, healthOf, present);
    });
    return { numbers, distributions };
  }
}
