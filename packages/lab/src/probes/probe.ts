// probe.ts — the lab's handle on a probe that runs as a process inside a namespace, or elsewhere.
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { endProcess, startInNamespace } from "../world/namespaced-process.js";
import type { ProbeKind, ProbeKinds, ProbeLine } from "./probe-kinds.js";

export interface Probe<K extends ProbeKind> {
  readonly kind: K;
  /** Forgets what was measured so far. */
  mark(): void;
  /** Ends the measurement and answers with what was measured. */
  stop(): Promise<ProbeKinds[K]["result"]>;
  /** Ends the process without an answer. */
  abandon(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("./main.js", import.meta.url));
/** What starts a probe, after node and the program that `main.ts` became. */
export const probeWords = <K extends ProbeKind>(
  kind: K,
  options: ProbeKinds[K]["options"],
): string[] => [kind, JSON.stringify(options)];
const READY_MS_MAX = 20_000;
const RESULT_MS_MAX = 30_000;

interface Waiting {
  resolve(line: ProbeLine): void;
  reject(error: Error): void;
}

/** Lines of a probe as they come: each is handed to whoever waits for the next one. */
function createLineQueue(kind: string) {
  const lines: ProbeLine[] = [];
  const waiting: Waiting[] = [];
  let ended: Error | undefined;
  return {
    push(line: ProbeLine) {
      const next = waiting.shift();
      if (next === undefined) lines.push(line);
      else next.resolve(line);
    },
    end(how: string) {
      ended = new Error(`probe ${kind}: ${how}`);
      for (const next of waiting.splice(0)) next.reject(ended);
    },
    next(timeoutMs: number): Promise<ProbeLine> {
      const line = lines.shift();
      if (line !== undefined) return Promise.resolve(line);
      if (ended !== undefined) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        const late = () => reject(new Error(`probe ${kind}: silent for ${timeoutMs} ms`));
        const timer = setTimeout(late, timeoutMs);
        waiting.push({
          resolve(got) {
            clearTimeout(timer);
            resolve(got);
          },
          reject(error) {
            clearTimeout(timer);
            reject(error);
          },
        });
      });
    },
  };
}

/** Starts a probe and waits until it measures. */
export function startProbe<K extends ProbeKind>(
  namespace: string,
  kind: K,
  options: ProbeKinds[K]["options"],
): Promise<Probe<K>> {
  const words = [process.execPath, PROGRAM, ...probeWords(kind, options)];
  return attachProbe(startInNamespace(namespace, words), kind);
}

/** Talks to a probe over the pipes of its process, and waits until it measures. */
export async function attachProbe<K extends ProbeKind>(
  child: ChildProcess,
  kind: K,
): Promise<Probe<K>> {
  const queue = createLineQueue(kind);
  if (child.stdout !== null) {
    const reader = createInterface({ input: child.stdout });
    reader.on("line", (line) => queue.push(JSON.parse(line) as ProbeLine));
    reader.on("close", () => queue.end("ended"));
  }
  child.on("error", (error) => queue.end(error.message));
  child.stdin?.on("error", () => {
    // It died before it was told to stop; the queue says so.
  });
  const expect = async (event: "ready" | "result", timeoutMs: number): Promise<ProbeLine> => {
    const line = await queue.next(timeoutMs);
    if (line.event === event) return line;
    const reason = line.event === "failed" ? line.reason : `${line.event} instead of ${event}`;
    throw new Error(`probe ${kind}: ${reason}`);
  };
  try {
    await expect("ready", READY_MS_MAX);
  } catch (error) {
    await endProcess(child);
    throw error;
  }
  return {
    kind,
    mark() {
      child.stdin?.write("mark\n");
    },
    async stop() {
      child.stdin?.end();
      try {
        const line = await expect("result", RESULT_MS_MAX);
        return (line.event === "result" ? line.result : undefined) as ProbeKinds[K]["result"];
      } finally {
        await endProcess(child);
      }
    },
    abandon: () => endProcess(child),
  };
}
