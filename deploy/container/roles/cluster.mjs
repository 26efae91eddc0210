#!/usr/bin/env node
// cluster.mjs — `cluster.mjs primary|fallback`: a cluster's real servers, the same programs as in the lab.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { runCommand } from "@lbpair/common";
import {
  clusterServerOptions,
  DICOM_PORTS,
  GATEWAY,
  startClusterServer,
  storescpArgv,
} from "@lbpair/lab";

const RECEIVED = "/received";
const name = process.argv[2] === "fallback" ? "fallback" : "primary";

await runCommand(["ip", "route", "replace", "default", "via", GATEWAY]);
mkdirSync(RECEIVED, { recursive: true });
for (const port of DICOM_PORTS) {
  const [program, ...words] = storescpArgv(port, RECEIVED);
  const storescp = spawn(program, words, { stdio: "inherit" });
  // Half a cluster is none: the container ends, and is started again.
  for (const event of ["error", "exit"]) storescp.once(event, () => process.exit(1));
}
await startClusterServer(clusterServerOptions(name));
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(0));
console.log(`${name} cluster serves`);
