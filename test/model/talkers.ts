// talkers.ts — the processes at both ends: real servers that say who they are, clients that ask.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Flow } from "./model.js";
import { inHost } from "./network.js";
import type { Ask, Order } from "./prober-main.js";
import {
  FALLBACK_ADDRESSES,
  SERVER_ADDRESSES,
  SERVICE_NUMBERS,
  serverPortsOf,
  vipPortsOf,
} from "./setup.js";

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export interface Talkers {
  ask(asks: readonly Ask[]): Promise<readonly string[]>;
  hold(flows: readonly Flow[]): Promise<readonly string[]>;
  echo(flows: readonly Flow[]): Promise<readonly string[]>;
  stop(): void;
}

const start = (argv: readonly string[]): ChildProcess => {
  const [command = "", ...words] = argv;
  return spawn(command, words, { stdio: ["pipe", "pipe", "inherit"] });
};

const linesOf = (child: ChildProcess) => {
  if (child.stdout === null) throw new Error("a talker without output");
  return createInterface({ input: child.stdout });
};

export async function startTalkers(owner: number): Promise<Talkers> {
  const addresses = [...SERVER_ADDRESSES, ...FALLBACK_ADDRESSES].join();
  const ports = SERVICE_NUMBERS.flatMap((n) => [...vipPortsOf(n), ...serverPortsOf(n)]).join();
  const responder = start(
    inHost(owner, "servers", [process.execPath, program("responder-main.js"), addresses, ports]),
  );
  await new Promise<void>((resolve, reject) => {
    linesOf(responder).once("line", () => resolve());
    responder.once("exit", (code) => reject(new Error(`the servers ended with ${code}`)));
  });
  const prober = start(inHost(owner, "clients", [process.execPath, program("prober-main.js")]));
  const waiting: ((answers: readonly string[]) => void)[] = [];
  linesOf(prober).on("line", (line) => waiting.shift()?.(JSON.parse(line) as string[]));
  const give = (order: Order): Promise<readonly string[]> => {
    const answer = new Promise<readonly string[]>((resolve) => waiting.push(resolve));
    prober.stdin?.write(`${JSON.stringify(order)}\n`);
    return answer;
  };
  return {
    ask: (ask) => give({ ask }),
    hold: (hold) => give({ hold }),
    echo: (echo) => give({ echo }),
    stop() {
      responder.kill("SIGKILL");
      prober.kill("SIGKILL");
    },
  };
}
