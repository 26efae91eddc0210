// older-heartbeat.ts — a heartbeat that speaks the older wire format only, for tests of a rolling upgrade.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));
const NEWEST = /export const WIRE_VERSION = \d+;/;

export interface OlderHeartbeat {
  /** Its entry. */
  readonly program: string;
  remove(): Promise<void>;
}

/**
 * This checkout's heartbeat with version 1 as the newest it knows: it says so, and drops what is
 * newer, as an old release does. LBPAIR_OLD_HEARTBEAT names the entry of a real old build to use instead.
 */
export async function olderHeartbeat(): Promise<OlderHeartbeat> {
  const real = process.env.LBPAIR_OLD_HEARTBEAT;
  if (real !== undefined) return { program: real, remove: async () => undefined };
  const folder = await mkdtemp(join(tmpdir(), "lbpair-older-"));
  const heartbeat = join(folder, "heartbeat");
  await cp(join(CHECKOUT, "packages", "heartbeat", "dist"), join(heartbeat, "dist"), {
    recursive: true,
  });
  await cp(
    join(CHECKOUT, "packages", "heartbeat", "package.json"),
    join(heartbeat, "package.json"),
  );
  await symlink(join(CHECKOUT, "node_modules"), join(folder, "node_modules"));
  const file = join(heartbeat, "dist", "core", "wire.js");
  const text = await readFile(file, "utf8");
  if (!NEWEST.test(text)) throw new Error(`${dirname(file)}: no WIRE_VERSION in wire.js`);
  await writeFile(file, text.replace(NEWEST, "export const WIRE_VERSION = 1;"));
  return {
    program: join(heartbeat, "dist", "main.js"),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
