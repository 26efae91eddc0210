// proxies.ts — products that end the client's connection and open another one: HAProxy, a proxy in Node.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Path, PORTS } from "../world.js";
import type { Product } from "./product.js";

const listens = async ({ node }: Path): Promise<void> => {
  for (let tries = 0; tries < 100; tries += 1) {
    const { stdout } = await node.must("ss", "-Hlnt");
    if (PORTS.every((port) => stdout.includes(`:${port} `))) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nobody listens on the virtual IP");
};

export const haproxy: Product = {
  name: "haproxy",
  title: "HAProxy, TCP mode",
  kind: "proxy",
  async start(path, { folder }) {
    const file = join(folder, "haproxy.cfg");
    const sections = PORTS.flatMap((port) => [
      `listen p${port}`,
      `  bind ${path.vip}:${port}`,
      `  server s ${path.servers[0]}:${port}`,
    ]);
    const defaults = "timeout client 60s\n  timeout server 60s\n  timeout connect 5s";
    const lines = ["global\n  maxconn 4000", `defaults\n  mode tcp\n  ${defaults}`, ...sections];
    await writeFile(file, `${lines.join("\n")}\n`);
    path.node.spawn(["haproxy", "-db", "-q", "-f", file]);
    await listens(path);
    return path.vip;
  },
};

export const nodeProxy: Product = {
  name: "node",
  title: "a proxy in Node",
  kind: "proxy",
  async start(path) {
    const program = fileURLToPath(new URL("node-proxy-main.js", import.meta.url));
    const words = [path.vip, path.servers[0] ?? "", ...PORTS.map(String)];
    path.node.spawn([process.execPath, program, ...words]);
    await listens(path);
    return path.vip;
  },
};
