#!/usr/bin/env node
// main.ts — lbpair-replicator: the daemon in the foreground, or `receive`, the command of the peer's key.
//
// `receive` runs once per request, so nothing is imported before it is known which of the two it is.
const [first, ...rest] = process.argv.slice(2);

if (first === "receive") {
  const { receive } = await import("./receive.js");
  receive(rest);
} else {
  const { runDaemon } = await import("./run-daemon.js");
  await runDaemon(process.argv.slice(2));
}
