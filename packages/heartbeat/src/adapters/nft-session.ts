// nft-session.ts — a long-lived `nft -i`, and another in waiting: a line in, applied or not, within a bound.
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
 * it in the home folder. So its home is none, and each is asked so often and then replaced: with the
 * 30,000 lines of some hours a refresh cost twice as much, and its memory grew without end.
 */
const QUESTIONS_PER_NFT = 500;
const NO_HOME = "/dev/null";

/**
 * A process that forks takes the kernel's lock of every file that it has mapped, and waits for whoever
 * holds one: on a machine with too much work an ordinary process that lost its processor with it
 * (measured: a real-time daemon stood still for 0.4 to 4 s beside eight busy loops on two cores). So this
 * process forks once, and a shell of some hundred kilobytes starts each nft from then on; `read` takes
 * one line and leaves what follows to nft.
 */
const LANE = 'while read -r begin; do "$@"; echo lane-ended; done';
const BEGIN = "begin\n";
const QUIT = "quit\n";
const ENDED = "lane-ended";

/** One shell with one nft after the other. */
interface Lane {
  readonly child: ChildProcessWithoutNullStreams;
  asked: number;
  said: string;
  printed: string;
  /** Its nft was told to end; the next one is begun when it has. */
  ending: boolean;
}

function openLane(argv: readonly string[]): Lane {
  const child = spawn("sh", ["-c", LANE, "lane", ...argv], {
    stdio: "pipe",
    env: { ...process.env, HOME: NO_HOME },
    // A group of its own: the shell is killed together with its nft.
    detached: true,
  });
  child.stderr.setEncoding("utf8");
  child.stdout.setEncoding("utf8");
  child.stdin.write(BEGIN);
  return { child, asked: 0, said: "", printed: "", ending: false };
}

function killLane({ child }: Lane): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

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
 * A child that does not answer within `answerMs` is killed, so that it cannot apply the line later. There
 * are two: while one is replaced, or lost, the other is there already.
 */
export function createNftSession(options: {
  readonly answerMs: number;
  readonly argv?: readonly string[];
}): NftSession {
  let current: Lane | undefined;
  let spare: Lane | undefined;
  let pending: Pending[] = [];
  let asked = 0;
  let restarts = 0;
  let isLost = false;
  let closed = false;

  const giveUp = () => {
    const given = pending;
    pending = [];
    if (current !== undefined) {
      killLane(current);
      isLost = true;
    }
    current = undefined;
    for (const { settle } of given) settle({ kind: "no-answer" });
  };
  const lost = (lane: Lane) => {
    if (lane === current) giveUp();
    if (lane !== spare) return;
    killLane(lane);
    spare = undefined;
  };
  const hear = (lane: Lane, chunk: string) => {
    if (lane !== current) return;
    lane.said = (lane.said + chunk).slice(-SAID_BYTES_MAX);
    for (let first = pending[0]; first !== undefined; first = pending[0]) {
      const end = findComplaint(lane.said, first.ack);
      if (end === undefined) return;
      // Its first line, "Error: syntax error …", stands right before the word itself.
      const before = lane.said.slice(0, end.from).replace(/Error: [^\n]*\n$/, "");
      lane.said = lane.said.slice(end.to);
      pending.shift();
      first.settle(before === "" ? { kind: "applied" } : { kind: "refused", said: before });
    }
    if (closed) return;
    spare ??= open();
    if (lane.asked < QUESTIONS_PER_NFT) return;
    if (!spare.ending) replace(lane, spare);
    // It had the time of as many questions to end.
    else if (lane.asked >= 2 * QUESTIONS_PER_NFT) lost(spare);
  };
  /** Nothing is pending: its nft ends and another begins, with the other lane's in its place. */
  const replace = (lane: Lane, other: Lane) => {
    lane.ending = true;
    lane.child.stdin.write(QUIT);
    [current, spare] = [other, lane];
  };
  const print = (lane: Lane, chunk: string) => {
    lane.printed = (lane.printed + chunk).slice(-2 * ENDED.length);
    if (!lane.printed.includes(ENDED)) return;
    if (!lane.ending) return lost(lane);
    Object.assign(lane, { asked: 0, said: "", printed: "", ending: false });
    // Only now: a line that nft finds behind its last one is nft's.
    lane.child.stdin.write(BEGIN);
  };
  const open = (): Lane => {
    const lane = openLane(options.argv ?? ["nft", "-i"]);
    const { child } = lane;
    child.stderr.on("data", (chunk: string) => hear(lane, chunk));
    child.stdout.on("data", (chunk: string) => print(lane, chunk));
    child.stdin.on("error", () => lost(lane));
    child.on("error", () => lost(lane));
    child.on("exit", () => lost(lane));
    return lane;
  };
  /** One that waits is taken before another is forked. */
  const take = (): Lane => {
    const waiting = spare?.ending === false ? spare : undefined;
    if (waiting !== undefined) spare = undefined;
    if (isLost) restarts += 1;
    isLost = false;
    return waiting ?? open();
  };

  return {
    ask(line) {
      if (closed) return Promise.resolve({ kind: "no-answer" });
      asked += 1;
      const ack = `ack ${asked}`;
      current ??= take();
      const to = current;
      to.asked += 1;
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
        to.child.stdin.write(`${line}\n${ack}\n`);
      });
    },
    get restarts() {
      return restarts;
    },
    close() {
      closed = true;
      giveUp();
      if (spare !== undefined) lost(spare);
    },
  };
}
