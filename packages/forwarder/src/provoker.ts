// provoker.ts — adapter: sends the forged SYNs that make silent ends of a cut connection speak.
import { openRawIpSocket } from "@lbpair/common";
import { provocations } from "./cuts.js";
import type { Flow } from "./flow.js";
import { synPacket } from "./ip-packet.js";

/** After how many milliseconds each round is sent; a later one covers loss and ARP that was missing. */
export const PROVOKE_AT_MS = [0, 150, 700] as const;
/** Flows provoked before the event loop gets its turn. */
const FLOWS_PER_TURN = 200;

export interface Provoker {
  /** Resolves after the last round; never throws. */
  provoke(flows: readonly Flow[]): Promise<void>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Packets carry `mark`, by which the rules keep them out of the connection table. */
export function createProvoker(mark: number, onTrouble: (text: string) => void): Provoker {
  const sendRound = async (flows: readonly Flow[]): Promise<void> => {
    const socket = openRawIpSocket(mark);
    let failed = 0;
    try {
      for (const [index, flow] of flows.entries()) {
        if (index % FLOWS_PER_TURN === FLOWS_PER_TURN - 1) await pause(1);
        for (const segment of provocations(flow, Math.floor(Math.random() * 0x1_0000_0000))) {
          try {
            socket.send(Buffer.from(synPacket(segment)), segment.destination);
          } catch {
            // No route or no neighbour: that end cannot be told, and the set still cuts it.
            failed += 1;
          }
        }
      }
    } finally {
      socket.close();
    }
    if (failed > 0) onTrouble(`${failed} of ${flows.length * 2} provocations could not be sent`);
  };
  return {
    async provoke(flows) {
      const tcp = flows.filter((flow) => flow.protocol === "tcp");
      if (tcp.length === 0) return;
      let waited = 0;
      for (const at of PROVOKE_AT_MS) {
        await pause(at - waited);
        waited = at;
        try {
          await sendRound(tcp);
        } catch (error) {
          onTrouble(error instanceof Error ? error.message : String(error));
          return;
        }
      }
    },
  };
}
