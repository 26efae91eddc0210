// server.ts — what answers behind every path: HAProxy with a fixed answer, and iperf3.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SERVER_CORE } from "./loads.js";
import { HTTP_PORT, IPERF_PORT, type World } from "./world.js";

const CONFIGURATION = `global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout client 60s
  timeout http-keep-alive 60s
frontend f
  bind 0.0.0.0:${HTTP_PORT} backlog 4096
  http-request return status 200 content-type text/plain string "ok"
`;

export async function startServer(world: World): Promise<void> {
  const file = join(world.folder, "server.cfg");
  await writeFile(file, CONFIGURATION);
  const pinned = ["taskset", "-c", SERVER_CORE];
  world.server.spawn([...pinned, "haproxy", "-db", "-q", "-f", file]);
  world.server.spawn([...pinned, "iperf3", "-s", "-p", `${IPERF_PORT}`]);
  for (let tries = 0; tries < 100; tries += 1) {
    const { stdout } = await world.server.must("ss", "-Hlnt");
    if ([HTTP_PORT, IPERF_PORT].every((port) => stdout.includes(`:${port} `))) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the server does not listen");
}
