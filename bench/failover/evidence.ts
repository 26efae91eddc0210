// evidence.ts — what products say of themselves, kept beside the checkout for whoever asks why a target was missed.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Book } from "./measures.js";
import type { RunningPair } from "./products/product.js";

/** Not part of the repository. */
export const EVIDENCE_FOLDER = fileURLToPath(
  new URL("../../../tmp/bench-failover", import.meta.url),
);

/** Nothing of it is worth a round: what cannot be kept is told, and the run goes on. */
export async function keepEvidence(pair: RunningPair, scenario: string): Promise<void> {
  try {
    await mkdir(EVIDENCE_FOLDER, { recursive: true });
    const said = await pair.evidence();
    await writeFile(join(EVIDENCE_FOLDER, `${scenario}-${pair.product.name}.txt`), said);
  } catch (error) {
    console.log(`  ${scenario.padEnd(15)} no evidence: ${String(error)}`);
  }
}

/** Every single value, for whoever wants to compute something else from them. */
export async function keepMeasures(book: Book): Promise<void> {
  await mkdir(EVIDENCE_FOLDER, { recursive: true });
  const { measures, failures } = book;
  const text = JSON.stringify({ measures, failures }, null, 1);
  await writeFile(join(EVIDENCE_FOLDER, "measures.json"), `${text}\n`);
}
