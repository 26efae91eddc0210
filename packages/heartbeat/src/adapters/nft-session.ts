// nft-session.ts — one long-lived `nft -i`: a line in, applied or not, within a bound.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

export type NftAnswer =
  | { readonly kind: "applied" }
  | { readonly kind: "refused"; readonly said: string }
  | { readonly kind: "no-answer" };

export interface NftSession {
  /** One line of nft commands, one transaction. Answers come in the order of asking. */
  ask(line: string): Promise<NftAnswer>;
  /** Times a child had to be started because the one before was lost. */
  readonly restarts: number;
  close(): void;
}

interface Pending {
  readonly ack: string;
  readonly settle: (answer: NftAnswer) => void;
}

/** What nft said and nobody has asked about yet; more than this is forgotten. */
const SAID_BYTES_MAX = 65_536;

/**
 * An interactive nft keeps what it was told, walks through all of it at each line, and reads and writes
 * it in the home folder. So its home is none, and each child is asked so often and then replaced:
 * with the 30,000 lines of some hours a refresh cost twice as much, and its memory grew without end.
 */
const QUESTIONS_PER_CHILD = 500;
const NO_HOME = "/dev/null";

/** Where nft complains of the word: the line itself, then a line of carets under it. */
function findComplaint(said: string, word: string): { from: number; to: number } | undefined {
  const line = `${word}\n`;
  for (let from = said.indexOf(line); from >= 0; from = said.indexOf(line, from + 1)) {
    if (from > 0 && said[from - 1] !== "\n") continue;
    const carets = said.indexOf("\n", from + line.length);
    if (carets > 0 && said[carets - 1] === "^") return { from, to: carets + 1 };
  }
  return undefined;
}

/**
 * nft is silent about what worked, and its echo (-e) costs a listing of every set on the machine
 * (measured: 700 ms with 70,000 elements in another table, 1.3 ms without). So each line is
 * followed by a word that nft cannot parse: its complaint comes on the same pipe as the line's own,
 * behind it, and says that the line is done. No complaint before it: applied.
 *
 * A child that does not answer within `answerMs` is killed, so that it cannot apply the line later.
 */
export function createNftSession(options: {
  readonly answerMs: number;
  readonly argv?: readonly string[];
}): NftSession {
  const [command = "nft", ...rest] = options.argv ?? ["nft", "-i"];
  let child: ChildProcessWithoutNullStreams | undefined;
  let pending: Pending[] = [];
  let said = "";
  let asked = 0;
  let askedOfChild = 0;
  let started = 0;
  let replaced = 0;
  let closed = false;

  const giveUp = () => {
    const given = pending;
    pending = [];
    child?.kill("SIGKILL");
    child = undefined;
    for (const { settle } of given) settle({ kind: "no-answer" });
  };
  const hear = (chunk: string) => {
    said = (said + chunk).slice(-SAID_BYTES_MAX);
    for (let first = pending[0]; first !== undefined; first = pending[0]) {
      const end = findComplaint(said, first.ack);
      if (end === undefined) return;
      // Its first line, "Error: syntax error …", stands right before the word itself.
      const before = said.slice(0, end.from).replace(/Error: [^\n]*\n$/, "");
      said = said.slice(end.to);
      pending.shift();
      first.settle(before === "" ? { kind: "applied" } : { kind: "refused", said: before });
    }
    if (askedOfChild >= QUESTIONS_PER_CHILD) replace();
  };
  /** Nothing is pending: the next one starts now, so that it is there when it is asked. */
  const replace = () => {
    child?.kill("SIGKILL");
    replaced += 1;
    start();
  };
  const start = (): ChildProcessWithoutNullStreams => {
    const env = { ...process.env, HOME: NO_HOME };
    const born = spawn(command, rest, { stdio: "pipe", env });
    child = born;
    said = "";
    started += 1;
    askedOfChild = 0;
    const lost = () => {
      if (child === born) giveUp();
    };
    born.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      if (child === born) hear(chunk);
    });
    born.stdout.resume();
    born.stdin.on("error", lost);
    born.on("error", lost);
    born.on("exit", lost);
    return born;
  };

  return {
    ask(line) {
      if (closed) return Promise.resolve({ kind: "no-answer" });
      asked += 1;
      const ack = `ack ${asked}`;
      const to = child ?? start();
      askedOfChild += 1;
      return new Promise((resolve) => {
        const entry: Pending = {
          ack,
          settle: (answer) => {
            clearTimeout(timer);
            resolve(answer);
          },
        };
        // A stalled loop runs this timer before it reads the pipe: let the answer in first.
        const late = () =>
          setImmediate(() => setImmediate(() => pending.includes(entry) && giveUp()));
        const timer = setTimeout(late, options.answerMs);
        pending.push(entry);
        to.stdin.write(`${line}\n${ack}\n`);
      });
    },
    get restarts() {
      return Math.max(0, started - replaced - 1);
    },
    close() {
      closed = true;
      giveUp();
    },
  };
}
