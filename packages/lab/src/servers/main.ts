// main.ts — starts one cluster's server from one JSON argument and says when it listens.
import { goFirst } from "../priority.js";
import { type ClusterServerOptions, startClusterServer } from "./cluster-server.js";

goFirst();
await startClusterServer(JSON.parse(process.argv[2] ?? "{}") as ClusterServerOptions);
process.stdout.write(`${JSON.stringify({ event: "ready" })}\n`);
