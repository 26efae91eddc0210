// local-daemons.ts — the forwarder and the heartbeat of this node, over their control sockets.
import {
  type AppliancePaths,
  ControlUnreachableError,
  controlRequest,
  type Daemon,
  type EventRecord,
  type OpenAnswer,
  type Problem,
  type Refusal,
  RefusalError,
} from "@lbpair/common";

export const RELOAD_MS_MAX = 10_000;
const ASK_MS_MAX = 2000;
/** Less than the peer waits, so that it hears why. */
const CHECK_MS_MAX = 24_000;

export type Reloaded =
  | { readonly daemon: Daemon; readonly kind: "done" }
  /** Not running: it reads what is in force when it starts. */
  | { readonly daemon: Daemon; readonly kind: "absent"; readonly why: string }
  | {
      readonly daemon: Daemon;
      readonly kind: "refused";
      readonly why: string;
      readonly problems: readonly Problem[];
    };

export interface LocalDaemons {
  reload(which?: readonly Daemon[]): Promise<Reloaded[]>;
  status(): Promise<Readonly<Record<"forwarder" | "heartbeat", unknown>>>;
  events(after: Readonly<Record<string, number>>): Promise<EventRecord[]>;
  /** The heartbeat's records of its transitions, as it answers them. */
  transitions(limit: number): Promise<unknown>;
  /** Asks the heartbeat to leave, so that its supervisor starts it anew; no address moves. */
  restartHeartbeat(): Promise<unknown>;
  /** The heartbeat forgets how often health has moved the role. */
  clearFlaps(): Promise<unknown>;
  /** Gives the forwarder what the peer's says of open connections; it judges every word. */
  pins(order: unknown): Promise<unknown>;
  /** The forwarder's check of a server, run once, or its recorded results; it judges the order. */
  checks(route: "health-check" | "what-if", order: unknown): Promise<unknown>;
  /** How many connections to these servers are open; the passive node's forwarder knows of none. */
  open(servers: readonly string[]): Promise<OpenAnswer | undefined>;
}

const OTHERS = ["forwarder", "heartbeat"] as const;

const asRefusal = (error: unknown): Refusal =>
  error instanceof RefusalError
    ? { error: error.message, problems: error.problems }
    : { error: error instanceof Error ? error.message : String(error) };

export function createLocalDaemons(paths: AppliancePaths): LocalDaemons {
  const reloadOne = async (daemon: Daemon): Promise<Reloaded> => {
    try {
      await controlRequest(paths.socket(daemon), "POST /reload", {}, { timeoutMs: RELOAD_MS_MAX });
      return { daemon, kind: "done" };
    } catch (error) {
      if (error instanceof ControlUnreachableError) {
        return { daemon, kind: "absent", why: error.message };
      }
      const { error: why, problems = [] } = asRefusal(error);
      return { daemon, kind: "refused", why, problems };
    }
  };
  const ask = (daemon: Daemon, route: string): Promise<unknown> =>
    controlRequest(paths.socket(daemon), route, undefined, { timeoutMs: ASK_MS_MAX });
  return {
    reload: (which = OTHERS) => Promise.all(which.map(reloadOne)),
    async status() {
      const [forwarder, heartbeat] = await Promise.all(
        OTHERS.map((daemon) => ask(daemon, "GET /status").catch(asRefusal)),
      );
      return { forwarder, heartbeat };
    },
    async events(after) {
      const lists = await Promise.all(
        OTHERS.map((daemon) =>
          ask(daemon, `GET /events?after=${after[daemon] ?? 0}`).catch(() => []),
        ),
      );
      return lists.flat() as EventRecord[];
    },
    transitions: (limit) => ask("heartbeat", `GET /transitions?limit=${limit}`),
    restartHeartbeat: () =>
      controlRequest(paths.socket("heartbeat"), "POST /restart", {}, { timeoutMs: ASK_MS_MAX }),
    clearFlaps: () =>
      controlRequest(paths.socket("heartbeat"), "POST /clear-flaps", {}, { timeoutMs: ASK_MS_MAX }),
    checks: (route, order) =>
      controlRequest(paths.socket("forwarder"), `POST /${route}`, order, {
        timeoutMs: CHECK_MS_MAX,
      }),
    open: (servers) =>
      controlRequest(
        paths.socket("forwarder"),
        "POST /open",
        { servers },
        {
          timeoutMs: ASK_MS_MAX,
        },
      ).then(
        (answer) => answer as OpenAnswer,
        () => undefined,
      ),
    pins: (order) =>
      controlRequest(paths.socket("forwarder"), "POST /pins", order, { timeoutMs: ASK_MS_MAX }),
  };
}
