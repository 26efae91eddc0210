// clean-stale.mjs — says which compiled files had no source any more, and that they are removed.
import { outputFolders, removeStale } from "./testing/stale-outputs.mjs";

for (const [dist, source] of outputFolders(".")) {
  for (const path of removeStale(dist, source)) console.log(`removed, its source is gone: ${path}`);
}
