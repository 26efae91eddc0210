// daemon-start.ts — what a simulated daemon does first: it goes on with what it held, or lowers everything and listens.
import { adoptElection, leaseLength } from "@lbpair/heartbeat";
import type { DaemonRun } from "./daemon-run.js";

/** As inherit.ts: adopts what the run before held by right, or gives it up. */
export function startRun(daemon: DaemonRun): void {
  const { machine, book, heart } = daemon;
  const { kernel, disk, bootId } = machine;
  const leftMs = kernel.gate ? kernel.leaseUntil - daemon.now() : 0;
  const memory = disk.content;
  const ours = memory?.active === true && memory.bootId === bootId;
  kernel.open();
  const raised = kernel.holds(daemon.now());
  const known = memory === null || memory.epoch < memory.highestEpoch;
  if (memory === null || known || !ours || !raised || leftMs <= 0) {
    startPassive(daemon);
    return;
  }
  const unlimited = leftMs === Number.POSITIVE_INFINITY;
  const adopted = adoptElection(daemon.now(), heart.settings, memory.epoch, unlimited ? 0 : leftMs);
  book.adopt(unlimited ? "unlimited" : leftMs);
  const length = leaseLength(adopted, heart.settings, daemon.now()) ?? "unlimited";
  book.refresh(length, (kept) => {
    if (kept === "lapsed") return startPassive(daemon);
    machine.say(`adopts the lease of the run before, claim ${memory.epoch}`);
    heart.start(adopted);
    daemon.effects.push([{ kind: "send-adverts" }, { kind: "raise" }]);
    daemon.started();
  });
}

function startPassive(daemon: DaemonRun): void {
  daemon.book.revoke(() => {
    const { machine, heart } = daemon;
    const begin = () => {
      heart.start(heart.state);
      daemon.started();
    };
    machine.ip(daemon.run, () => machine.kernel.lower(), begin);
  });
}
