// forwarder-clients.ts — a test's hold on the talking programs in the namespaces.
import { createInterface } from "node:readline";
import type { ConnectionReport, Greeting, Kind, Order } from "./forwarder-talk.js";
import { type HostName, until, type World } from "./forwarder-world.js";

const PROGRAM = new URL("./forwarder-talk.js", import.meta.url).pathname;

export interface ClosedAtServer {
  readonly closed: Greeting;
  readonly how: string;
  readonly at: number;
}

/** Starts a server and resolves once it listens; the list grows as its connections end. */
export async function startServer(
  world: World,
  host: HostName,
  ports: readonly number[],
): Promise<readonly ClosedAtServer[]> {
  const child = world.spawn(host, [
    process.execPath,
    PROGRAM,
    "server",
    host,
    ...ports.map(String),
  ]);
  const closed: ClosedAtServer[] = [];
  let listening = false;
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const said = JSON.parse(line) as Partial<ClosedAtServer> & { listening?: unknown };
      if (said.listening !== undefined) listening = true;
      else closed.push(said as ClosedAtServer);
    });
  }
  await until(`${host} listens`, () => listening);
  return closed;
}

export interface Client {
  /** Opens connections and resolves once each was greeted; answers with their ids. */
  open(kind: Kind, to: string, ports: readonly number[], as?: string): Promise<string[]>;
  /** Begins to open and does not wait. */
  dial(kind: Kind, to: string, port: number, from?: number, as?: string): string;
  order(order: Order): void;
  report(): Promise<Map<string, ConnectionReport>>;
}

export function startClient(world: World, host: HostName = "client"): Client {
  const child = world.spawn(host, [process.execPath, PROGRAM, "client"]);
  const waiting: ((reports: ConnectionReport[]) => void)[] = [];
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      waiting.shift()?.(JSON.parse(line) as ConnectionReport[]);
    });
  }
  let count = 0;
  const order = (value: Order): void => {
    child.stdin?.write(`${JSON.stringify(value)}\n`);
  };
  const report = async (): Promise<Map<string, ConnectionReport>> => {
    const answer = new Promise<ConnectionReport[]>((resolve) => waiting.push(resolve));
    order({ do: "report" });
    return new Map((await answer).map((each) => [each.id, each]));
  };
  const dial = (kind: Kind, to: string, port: number, from?: number, as?: string): string => {
    count += 1;
    const id = `${kind}${count}`;
    const own = { ...(from === undefined ? {} : { from }), ...(as === undefined ? {} : { as }) };
    order({ do: "open", id, kind, to, port, ...own });
    return id;
  };
  return {
    order,
    report,
    dial,
    async open(kind, to, ports, as) {
      const ids = ports.map((port) => dial(kind, to, port, undefined, as));
      await until("every connection is greeted", async () => {
        const reports = await report();
        return ids.every((id) => reports.get(id)?.greeting !== null);
      });
      return ids;
    },
  };
}
