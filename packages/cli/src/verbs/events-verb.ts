// events-verb.ts — `lbpair events`: both nodes' events as one story, once or for as long as you look.
import type { Daemon, EventRecord } from "@lbpair/common";
import { InvalidArgumentError } from "commander";
import { type Context, EXIT, type ExitCode, VerbError } from "../context.js";
import { DAEMONS } from "../daemons.js";
import { PEER_TIMEOUT_MS } from "../gather-pair.js";
import { pause } from "../pause.js";
import { line, span } from "../render/text.js";
import { eventLines, mergeEvents } from "../view/event-lines.js";
import { isRecord } from "./answer.js";
import type { Register } from "./register.js";

const LIMIT_DEFAULT = 50;
const PEER_POLL_MS = 1000;

const isEvent = (value: unknown): value is EventRecord =>
  isRecord(value) &&
  typeof value.seq === "number" &&
  typeof value.at === "string" &&
  typeof value.node === "string" &&
  typeof value.daemon === "string" &&
  typeof value.text === "string";

/** Events of an answer: a list, or lists by daemon. */
export function readEvents(answer: unknown): EventRecord[] {
  if (Array.isArray(answer)) return answer.filter(isEvent);
  if (!isRecord(answer)) return [];
  return Object.values(answer).flatMap((list) => (Array.isArray(list) ? list.filter(isEvent) : []));
}

interface Gathered {
  readonly here: readonly EventRecord[];
  readonly peer: readonly EventRecord[];
  readonly heardAny: boolean;
  /** Sentences on those who could not be asked. */
  readonly silent: readonly string[];
  readonly hereFailed: boolean;
}

const explain = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const askPeer = async (context: Context, after: number): Promise<EventRecord[]> =>
  readEvents(
    await context.daemons.ask(
      "replicator",
      `GET /peer/events?after=${after}`,
      undefined,
      PEER_TIMEOUT_MS,
    ),
  );

async function gather(context: Context): Promise<Gathered> {
  const here = await Promise.allSettled(
    DAEMONS.map(async (daemon) =>
      readEvents(await context.daemons.ask(daemon, "GET /events?after=0")),
    ),
  );
  const peer = await Promise.allSettled([askPeer(context, 0)]);
  const failures = here.flatMap((result) =>
    result.status === "rejected" ? [explain(result.reason)] : [],
  );
  const peerFailure = peer.flatMap((result) =>
    result.status === "rejected" && !failures.includes(explain(result.reason))
      ? [`the peer's events are missing: ${explain(result.reason)}`]
      : [],
  );
  const heard = (results: readonly PromiseSettledResult<EventRecord[]>[]): EventRecord[] =>
    results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  return {
    here: heard(here),
    peer: heard(peer),
    heardAny: [...here, ...peer].some((result) => result.status === "fulfilled"),
    silent: [...failures, ...peerFailure],
    hereFailed: failures.length > 0,
  };
}

type Printer = (records: readonly EventRecord[]) => void;

function createPrinter(context: Context, json: boolean): Printer {
  let day = "";
  return (records) => {
    if (records.length === 0) return;
    if (json) {
      for (const record of records) context.world.stdout.write(`${JSON.stringify(record)}\n`);
      return;
    }
    const shown = eventLines(records, day);
    day = shown.day;
    context.print(shown.lines);
  };
}

const keyOf = (record: EventRecord): string => `${record.node} ${record.daemon} ${record.seq}`;

/** A daemon that restarts is followed again from where it was. */
async function followDaemon(
  context: Context,
  daemon: Daemon,
  from: number,
  print: Printer,
): Promise<void> {
  const { signal } = context.world;
  let after = from;
  while (!signal.aborted) {
    const take = (record: unknown): void => {
      if (!isEvent(record)) return;
      after = Math.max(after, record.seq);
      print([record]);
    };
    try {
      await context.daemons.follow(daemon, `GET /events/follow?after=${after}`, take, signal);
    } catch {
      // It is away for a moment; its next life goes on with the same sequence.
    }
    await pause(PEER_POLL_MS, signal);
  }
}

/** The peer is polled; one that cannot be reached is in this node's own events. */
async function followPeer(
  context: Context,
  shown: readonly EventRecord[],
  print: Printer,
): Promise<void> {
  const { signal } = context.world;
  const seen = new Set(shown.map(keyOf));
  const last = new Map<Daemon, number>();
  const note = (record: EventRecord): void => {
    last.set(record.daemon, Math.max(last.get(record.daemon) ?? 0, record.seq));
  };
  shown.forEach(note);
  while (!signal.aborted) {
    try {
      // One number for three daemons: the least one seen misses nothing, and repeats are dropped.
      const after = last.size < DAEMONS.length ? 0 : Math.min(...last.values());
      const fresh = (await askPeer(context, after)).filter((record) => !seen.has(keyOf(record)));
      for (const record of fresh) {
        seen.add(keyOf(record));
        note(record);
      }
      print(mergeEvents([fresh]));
    } catch {
      // Tried again in a second.
    }
    await pause(PEER_POLL_MS, signal);
  }
}

async function follow(context: Context, gathered: Gathered, print: Printer): Promise<void> {
  const from = (daemon: Daemon): number =>
    Math.max(0, ...gathered.here.filter((r) => r.daemon === daemon).map((r) => r.seq));
  await Promise.all([
    ...DAEMONS.map((daemon) => followDaemon(context, daemon, from(daemon), print)),
    followPeer(context, gathered.peer, print),
  ]);
}

async function showEvents(
  context: Context,
  options: { readonly follow?: boolean; readonly json?: boolean; readonly limit: number },
): Promise<ExitCode> {
  const json = options.json === true;
  const gathered = await gather(context);
  const all = mergeEvents([gathered.here, gathered.peer]);
  const wanted = options.limit === 0 ? [] : all.slice(-options.limit);
  const print = createPrinter(context, json);
  if (json && options.follow !== true) context.printJson(wanted);
  else print(wanted);
  for (const sentence of gathered.silent) {
    context.world.stderr.write(`lbpair: ${sentence}\n`);
  }
  if (!gathered.heardAny) throw new VerbError("nobody could be asked for events");
  if (options.follow === true) {
    await follow(context, gathered, print);
    return EXIT.done;
  }
  if (all.length === 0 && !json) context.print([line(span("no events yet", "dim"))]);
  return gathered.hereFailed ? EXIT.failed : EXIT.done;
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 0 || limit > 100_000) {
    throw new InvalidArgumentError("want a whole number, 0-100000.");
  }
  return limit;
}

export const registerEvents: Register = (program, act) => {
  program
    .command("events")
    .description("what happened on both nodes, as one story sorted by time")
    .option("--follow", "go on until Ctrl-C")
    .option("--json", "for programs; with --follow one line per event")
    .option("--limit <n>", "only the last n events", parseLimit, LIMIT_DEFAULT)
    .addHelpText(
      "after",
      `
Examples:
  lbpair events
  lbpair events --limit 500
  lbpair events --follow
  lbpair events --json | jq -r '.[] | select(.level == "alarm").text'`,
    )
    .action((options: { follow?: boolean; json?: boolean; limit: number }) =>
      act((context) => showEvents(context, options), options),
    );
};
