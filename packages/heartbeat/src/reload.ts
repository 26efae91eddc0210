// reload.ts — a changed configuration comes into force in a heartbeat that goes on.
import { RefusalError } from "@lbpair/common/light";
import type { HeartbeatDaemon } from "./daemon.js";
import { planPings } from "./daemon-links.js";
import type { DaemonParts } from "./daemon-parts.js";
import { loadSettings } from "./settings.js";

export class Reload {
  private readonly daemon: HeartbeatDaemon;
  private readonly parts: Pick<DaemonParts, "paths" | "run">;
  private last: Promise<unknown> = Promise.resolve();

  constructor(daemon: HeartbeatDaemon, parts: Reload["parts"]) {
    this.daemon = daemon;
    this.parts = parts;
  }

  /** One at a time: two would open the same paths twice. Throws RefusalError with what is wrong. */
  begin(): Promise<{ readonly changed: number }> {
    const reloaded = this.last.then(() => this.reload());
    this.last = reloaded.catch(() => undefined);
    return reloaded;
  }

  private async reload(): Promise<{ readonly changed: number }> {
    const { daemon, parts } = this;
    const loaded = await loadSettings(parts.paths, parts.run);
    if (!loaded.ok) throw new RefusalError(422, "the configuration was refused", loaded.problems);
    const before = daemon.settings;
    daemon.settings = loaded.value;
    daemon.heart.settings = loaded.value.election;
    const newPaths = await daemon.peerPaths.follow(before, loaded.value);
    daemon.pulse.setPeriod(loaded.value.election.keepalive);
    const moved = await daemon.guard.reconfigure();
    planPings(daemon);
    daemon.setLocal();
    // Addresses get the lifetimes of the lease that is right now: without a peer, none.
    daemon.queue.push([{ kind: "raise" }, { kind: "send-adverts" }]);
    await daemon.queue.settled();
    return { changed: (moved ? 1 : 0) + (newPaths ? 1 : 0) };
  }
}
