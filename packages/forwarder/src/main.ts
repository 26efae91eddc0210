#!/usr/bin/env node
// main.ts — starts the forwarder in the foreground.
import { createLog, onShutdown, pathsFrom, runCommand, systemClock } from "@lbpair/common";
import { ForwarderDaemon } from "./daemon.js";

const USAGE = "usage: lbpair-forwarder [--etc FOLDER] [--state FOLDER] [--run FOLDER]";

const { paths, rest } = pathsFrom(process.argv.slice(2), process.env);
if (rest.length > 0) {
  process.stderr.write(`${USAGE}\nwant no further words, got ${rest.join(" ")}\n`);
  process.exit(2);
}
const log = createLog("forwarder", "info");
try {
  const daemon = await ForwarderDaemon.start({
    paths,
    clock: systemClock,
    run: runCommand,
    log,
  });
  onShutdown(() => daemon.stop());
  log.info({ pid: process.pid }, "forwarder started");
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
