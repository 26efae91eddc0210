// run-daemon.ts — the daemon's command line: folders, group, log; starts it and ends it.
import {
  createLog,
  onShutdown,
  ProblemsError,
  parseAppliance,
  pathsFrom,
  readTextFile,
  runCommand,
  systemClock,
  UsageError,
} from "@lbpair/common";
import { RECEIVE_USER } from "./accounts.js";
import { startReplicator } from "./daemon.js";
import { findGroup } from "./receive-group.js";
import { VERSION } from "./version.js";

const USAGE = `usage: lbpair-replicator [--etc DIR] [--state DIR] [--run DIR] [--receive-group GROUP]
       lbpair-replicator receive [--run DIR]     (the forced command of the peer's SSH key)
`;

function readGroup(words: readonly string[]): string {
  const [flag, value, ...more] = words;
  if (flag === undefined) return process.env.LBPAIR_RECEIVE_GROUP ?? RECEIVE_USER;
  if (flag !== "--receive-group" || value === undefined || more.length > 0) {
    throw new UsageError(`want --receive-group GROUP, got ${words.join(" ")}`);
  }
  return value;
}

/** Exits with 2 on wrong words, with 1 where the configuration cannot be used. */
export async function runDaemon(argv: readonly string[]): Promise<void> {
  try {
    const { paths, rest } = pathsFrom(argv, process.env);
    const group = readGroup(rest);
    const text = await readTextFile(paths.applianceFile);
    const appliance = parseAppliance(text ?? "");
    const log = createLog("replicator", appliance.ok ? appliance.value.logging.level : "info");
    const receiveGroup = await findGroup(group);
    if (receiveGroup === undefined) {
      log.warn({ group }, "no such group: the peer cannot hand anything over until it exists");
    }
    const daemon = await startReplicator({
      paths,
      run: runCommand,
      clock: systemClock,
      log,
      version: VERSION,
      receiveGroup,
    });
    onShutdown(() => daemon.close());
  } catch (error) {
    const known = error instanceof UsageError || error instanceof ProblemsError;
    const said = error instanceof Error ? (known ? error.message : error.stack) : String(error);
    process.stderr.write(`lbpair-replicator: ${said}\n${error instanceof UsageError ? USAGE : ""}`);
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}
