// find-lab.ts — which running lab a command means.
import { type LabRecord, listLabs } from "../world/registry.js";

/** The lab with this id, or the only one that runs. */
export async function findLab(id: string | undefined): Promise<LabRecord> {
  const running = (await listLabs()).filter((lab) => lab.alive).map((lab) => lab.record);
  const ids = running.map((record) => record.id).join(", ");
  if (id !== undefined) {
    const found = running.find((record) => record.id === id);
    if (found !== undefined) return found;
    throw new Error(`lab: want one that runs (${ids === "" ? "none does" : ids}), got ${id}`);
  }
  const [only, second] = running;
  if (only === undefined) throw new Error("no lab runs; start one with: npm run lab");
  if (second !== undefined) throw new Error(`several labs run (${ids}); say which with --lab`);
  return only;
}
