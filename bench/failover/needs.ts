// needs.ts — the peers' packages: installed by the bench itself where they are missing, and it says so.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runCommand } from "@lbpair/common";
import type { Product } from "./products/product.js";

const SETUP = fileURLToPath(new URL("../../../scripts/setup-debian.sh", import.meta.url));
const INSTALL_MS_MAX = 300_000;

/** Tries to install what is missing; answers with the products that still cannot run, and why. */
export async function fetchPeers(products: readonly Product[]): Promise<Map<Product, string>> {
  const lacking = async () => {
    const found = new Map<Product, string>();
    for (const product of products) {
      const reason = await product.missing();
      if (reason !== undefined) found.set(product, reason);
    }
    return found;
  };
  const before = await lacking();
  if (before.size === 0 || !existsSync(SETUP)) return before;
  for (const reason of new Set(before.values())) console.log(`${reason}: installing it`);
  const { code, stdout, stderr } = await runCommand(["bash", SETUP, "bench"], {
    timeoutMs: INSTALL_MS_MAX,
  });
  console.log(`${stdout}${stderr}`.trim());
  if (code !== 0) console.log("The installation failed; the table goes without.");
  return lacking();
}
