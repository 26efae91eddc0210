// peer-paths.ts — the paths to the peer, as the configuration has them now: opened, closed, judged.
import type { Clock, EventLog } from "@lbpair/common/light";
import { Advertiser, type AdvertiserOptions } from "./advertiser.js";
import type { ElectionState } from "./core/election-state.js";
import { PathWatch } from "./core/path-watch.js";
import { peerAlive } from "./core/silence.js";
import { pathsDiffer, type Settings } from "./settings.js";

export interface PeerPathsOptions
  extends Pick<AdvertiserOptions, "bootId" | "openSocket" | "onReceived"> {
  readonly clock: Clock;
  readonly events: EventLog;
}

export class PeerPaths {
  /** Undefined on a single appliance. */
  advertiser: Advertiser | undefined;
  private readonly options: PeerPathsOptions;
  private watch = new PathWatch();

  constructor(options: PeerPathsOptions) {
    this.options = options;
  }

  open({ key, running }: Settings): void {
    const { peer, node } = running.appliance;
    const { heartbeat } = running.services;
    if (peer === undefined || key === undefined) return;
    const { clock, bootId, openSocket, onReceived } = this.options;
    this.watch = new PathWatch();
    this.advertiser = new Advertiser({
      clock,
      designation: node.designation,
      peer,
      port: heartbeat.port,
      key,
      bootId,
      timings: heartbeat,
      openSocket,
      onReceived,
    });
  }

  /** Opens them anew where they are others now; true = they are. */
  async follow(before: Settings, after: Settings): Promise<boolean> {
    if (!pathsDiffer(before, after)) return false;
    await this.advertiser?.close();
    this.advertiser = undefined;
    this.open(after);
    return true;
  }

  /** A path that fails is a warning, whatever it is; the role never moves for it. */
  judge(state: ElectionState, { election }: Settings): void {
    const now = this.options.clock.now();
    const alive = peerAlive(state, election, now);
    for (const one of this.watch.judge(this.advertiser?.views() ?? [], alive, election, now)) {
      const event = one.trouble === null ? "path-back" : (`path-${one.trouble}` as const);
      const level = one.trouble === null ? "info" : "warn";
      this.options.events.record(level, event, one.text, { path: one.path + 1 });
    }
  }
}
