// operator-orders.ts — what operators ask of the heartbeat: the order is kept first, then the heart has it.
import type { ClearFlapsAnswer, Designation, MakeActiveAnswer } from "@lbpair/common";
import type { HeartbeatDaemon } from "./daemon.js";
import type { DaemonParts } from "./daemon-parts.js";
import { keepIntent } from "./intent.js";
import { memoryOf } from "./own-memory.js";
import { PendingOrder } from "./pending-order.js";

export class OperatorOrders {
  private readonly daemon: HeartbeatDaemon;
  private readonly parts: DaemonParts;
  private readonly order: PendingOrder;

  constructor(daemon: HeartbeatDaemon, parts: DaemonParts) {
    this.daemon = daemon;
    this.parts = parts;
    this.order = new PendingOrder(parts.clock);
  }

  /** Resolves when it is done or refused. Throws RefusalError where another order is under way. */
  async makeActive(designation: Designation, by: string): Promise<MakeActiveAnswer> {
    const { daemon, parts, order } = this;
    const late = await keepIntent(memoryOf(daemon, parts.bootId), parts);
    await new Promise<void>((done) => daemon.heart.hearAll(done));
    const answer = await order.give(() =>
      daemon.heart.dispatch({ kind: "make-active", designation, by }),
    );
    return { ...answer, message: `${answer.message}${late}` };
  }

  /** Forgets the moves of the role by health; tells what there was. */
  clearFlaps(by: string): ClearFlapsAnswer {
    const { moves, heldForMs } = this.daemon.status().flaps;
    this.daemon.heart.dispatch({ kind: "clear-flaps", by });
    return { moves, heldForMs };
  }

  /** The election's answer to the order that waits, if one does. */
  answer(done: boolean, message: string): void {
    this.order.answer(done, message);
  }
}
