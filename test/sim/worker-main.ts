// worker-main.ts — a worker process of the simulation: plays the shares it is given.
import { playShare, type Share } from "./pool.js";

process.on("message", (share: Share) => {
  process.send?.(playShare(share));
});
