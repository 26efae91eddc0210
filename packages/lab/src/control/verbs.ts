// verbs.ts — what the running lab does when it is asked over its control socket.
import { type ControlRoutes, type Daemon, RefusalError } from "@lbpair/common";
import { activeNodes, viewPair } from "../world/pair.js";
import {
  APPLIANCES,
  type ApplianceName,
  CLUSTERS,
  type ClusterName,
  type NetworkName,
} from "../world/plan.js";
import { DAEMONS } from "../world/supervisor.js";
import type { World } from "../world/world.js";

type Body = Readonly<Record<string, unknown>>;

const bodyOf = (body: unknown): Body =>
  typeof body === "object" && body !== null ? (body as Body) : {};

function oneOf<T extends string>(what: string, value: unknown, known: readonly T[]): T {
  const found = known.find((word) => word === value);
  if (found !== undefined) return found;
  const got = value === undefined ? "nothing" : JSON.stringify(value);
  throw new RefusalError(400, `${what}: want one of ${known.join(", ")}, got ${got}`);
}

/** An appliance by name, or by what it is doing now. */
async function applianceOf(world: World, value: unknown): Promise<ApplianceName> {
  const word = oneOf("appliance", value, [...APPLIANCES, "active", "passive"]);
  if (word === "lb1" || word === "lb2") return word;
  const active = activeNodes(await viewPair(world));
  const names = APPLIANCES.filter((name) => active.includes(name) === (word === "active"));
  if (names.length === 1 && names[0] !== undefined) return names[0];
  throw new RefusalError(409, `appliance: want exactly one that is ${word}, got ${names.length}`);
}

const networksOf = (value: unknown): readonly NetworkName[] =>
  value === undefined || value === "both"
    ? ["front", "back"]
    : [oneOf("network", value, ["front", "back", "both"] as const) as NetworkName];

const daemonsOf = (value: unknown): readonly Daemon[] =>
  value === undefined || value === "all" ? DAEMONS : [oneOf("daemon", value, DAEMONS)];

const clusterOf = (value: unknown): ClusterName => oneOf("cluster", value, CLUSTERS);

async function status(world: World): Promise<unknown> {
  const pair = await viewPair(world);
  return {
    id: world.id,
    folder: world.folder,
    pid: process.pid,
    appliances: APPLIANCES.map((name) => ({
      name,
      namespace: world.namespace(name),
      condition: pair[name].heartbeat?.condition ?? null,
      because: pair[name].heartbeat?.because ?? null,
      daemons: DAEMONS.map((daemon) => world.appliances[name].view(daemon)),
    })),
  };
}

export interface DoneAnswer {
  readonly done: string;
}

/** Faults on one appliance. */
function applianceRoutes(world: World): ControlRoutes {
  const on = async (body: unknown, act: (name: ApplianceName, body: Body) => Promise<string>) => {
    const fields = bodyOf(body);
    return { done: await act(await applianceOf(world, fields.appliance), fields) };
  };
  const each = async (
    name: ApplianceName,
    body: Body,
    act: (d: Daemon) => void | Promise<void>,
  ) => {
    const daemons = daemonsOf(body.daemon);
    await Promise.all(daemons.map(async (daemon) => act(daemon)));
    return `${daemons.join(", ")} on ${name}`;
  };
  return {
    "POST /cut": ({ body }) =>
      on(body, async (name, fields) => {
        const networks = networksOf(fields.network);
        await world.cables.pull(name, networks);
        return `${name} is cut off ${networks.join(" and ")}`;
      }),
    "POST /plug": ({ body }) =>
      on(body, async (name, fields) => {
        await world.cables.plug(name, networksOf(fields.network));
        return `${name} is plugged in`;
      }),
    "POST /kill": ({ body }) =>
      on(body, async (name, fields) => {
        const leaveDead = fields.leaveDead === true;
        const what = await each(name, fields, (daemon) =>
          world.appliances[name].kill(daemon, { leaveDead }),
        );
        return `killed ${what}${leaveDead ? "; left dead until `start`" : ""}`;
      }),
    "POST /start": ({ body }) =>
      on(body, async (name, fields) => {
        return `started ${await each(name, fields, (d) => world.appliances[name].start(d))}`;
      }),
    "POST /freeze": ({ body }) =>
      on(body, async (name, fields) => {
        return `froze ${await each(name, fields, (d) => world.appliances[name].freeze(d))}`;
      }),
    "POST /thaw": ({ body }) =>
      on(body, async (name, fields) => {
        return `thawed ${await each(name, fields, (d) => world.appliances[name].thaw(d))}`;
      }),
    "POST /reboot": ({ body }) =>
      on(body, async (name) => {
        await world.appliances[name].reboot();
        return `${name} lost power and boots`;
      }),
  };
}

/** `down` is called after the answer is on its way. */
export function labRoutes(world: World, down: () => void): ControlRoutes {
  return {
    ...applianceRoutes(world),
    "GET /status": () => status(world),
    "POST /partition": async ({ body }) => {
      const networks = networksOf(bodyOf(body).network);
      await world.cables.partition(networks);
      return { done: `lb1 and lb2 do not hear each other on ${networks.join(" and ")}` };
    },
    "POST /heal": async () => {
      await world.cables.heal();
      return { done: "every cable is in, nothing is kept apart" };
    },
    "POST /fail": async ({ body }) => {
      const name = clusterOf(bodyOf(body).cluster);
      await world.clusters[name].fail();
      return { done: `every server of the ${name} cluster is gone` };
    },
    "POST /recover": async ({ body }) => {
      const name = clusterOf(bodyOf(body).cluster);
      await world.clusters[name].fail();
      await world.clusters[name].start();
      return { done: `the ${name} cluster answers` };
    },
    "POST /down": () => {
      setTimeout(down, 50);
      return { done: "the lab goes down" };
    },
  };
}
