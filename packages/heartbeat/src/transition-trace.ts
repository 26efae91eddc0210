// transition-trace.ts — what the daemon adds to the record of a transition: clocks, paths, effects' durations, the file.
import type { TransitionRecord, TransitionsAnswer } from "@lbpair/common";
import type { TransitionFile } from "./adapters/transition-file.js";
import type { Effect, QueuedEffect } from "./core/effects.js";
import type { Stepped } from "./core/ports.js";
import { stillWanted } from "./core/still-wanted.js";
import { type TransitionFacts, TransitionRecorder } from "./core/transition-record.js";
import type { HeartbeatDaemon } from "./daemon.js";
import { clockOf } from "./status-view.js";

export class TransitionTrace {
  private readonly daemon: HeartbeatDaemon;
  private readonly file: TransitionFile;
  private readonly recorder: TransitionRecorder;

  constructor(daemon: HeartbeatDaemon, file: TransitionFile) {
    this.daemon = daemon;
    this.file = file;
    const { node, peer } = daemon.settings.running.appliance;
    this.recorder = new TransitionRecorder({
      who: { node: node.name, designation: node.designation, peerName: peer?.name ?? null },
      nextSeq: file.nextSeq,
      describe: () => this.describe(),
      emit: (record) => file.write(record),
    });
  }

  stepped({ before, event, after, effects, now }: Stepped): void {
    this.recorder.stepped(before, event, after, effects, now);
  }

  /** A consequence that no step of the election says, e.g. a neighbour that learnt; the first of a kind. */
  note(what: string, text: string): void {
    this.recorder.once(what, text, this.daemon.clock.now());
  }

  /** Performs an effect and remembers when its turn came and how long it took. */
  async perform(effect: QueuedEffect, work: () => Promise<void>): Promise<void> {
    const { clock, state } = this.daemon;
    if (!stillWanted(effect, state)) {
      this.recorder.ended(effect, clock.now(), "left out: not wanted any more");
      return;
    }
    this.recorder.began(effect, clock.now());
    try {
      await work();
      this.recorder.ended(effect, clock.now());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.recorder.ended(effect, clock.now(), why);
      throw error;
    }
  }

  /** This run does not go on with what the one before it held. */
  restarted(epoch: number, sameBoot: boolean, effects: readonly Effect[]): void {
    const who = sameBoot ? "its heartbeat was started anew" : "the machine was started anew";
    const because = `${who}, too late to go on with claim ${epoch}`;
    const rule = sameBoot ? "restarted" : "rebooted";
    const { state, clock } = this.daemon;
    this.recorder.restarted({ ...state, rule, because }, epoch, effects, clock.now());
  }

  /** The latest first. */
  answer(limit: number): TransitionsAnswer {
    const { clock, settings } = this.daemon;
    return {
      node: settings.running.appliance.node.name,
      at: clock.wall().toISOString(),
      clock: clockOf(this.daemon, clock.now()),
      transitions: this.file.latest(limit),
    };
  }

  private describe(): TransitionFacts {
    const { daemon } = this;
    const { heartbeat } = daemon.settings.running.services;
    const now = daemon.clock.now();
    const { maxMs, p99Ms } = daemon.heart.lateness.summary();
    return {
      at: daemon.clock.wall().toISOString(),
      clock: clockOf(daemon, now),
      peerLatenessMs: daemon.advertiser?.newest?.latenessMs ?? null,
      paths: this.paths(heartbeat.keepalive),
      situation: {
        lateMaxMs: maxMs,
        lateP99Ms: p99Ms,
        floatingIps: daemon.holder.wanted.length,
        timings: {
          keepaliveMs: heartbeat.keepalive,
          warntimeMs: heartbeat.warntime,
          deadtimeMs: heartbeat.deadtime,
          leaseMs: heartbeat.lease,
        },
      },
    };
  }

  private paths(keepalive: number): TransitionRecord["paths"] {
    const paths = this.daemon.advertiser?.status() ?? [];
    return paths.map(({ local, peer, heardAgeMs, rttMs, lossPercent }) => ({
      local,
      peer,
      heardAgeMs,
      missed: heardAgeMs === null ? 0 : Math.floor(heardAgeMs / keepalive),
      rttMs,
      lossPercent,
    }));
  }
}
