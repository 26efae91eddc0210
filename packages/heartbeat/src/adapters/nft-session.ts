// nft-session.ts — two kept shells, each with an `nft -i`: a line in, applied or not, within a bound.
import { KEPT, type Lane, openLane } from "./lane.js";

export type NftAnswer =
  | { readonly kind: "applied" }
  | { readonly kind: "refused"; readonly said: string }
  | { readonly kind: "no-answer" };

export interface NftSession {
  /** One line of nft commands, one transaction. Answers come in the order of asking. */
  ask(line: string): Promise<NftAnswer>;
  /** Starts the shells and their nft, where they are not there yet. */
  prepare(): void;
  /** Times another nft had to take over because the one before was lost. */
  readonly restarts: number;
  /**
   * Of the nft that were given up, how many have not ended yet. One that the kernel holds in the middle of
   * a transaction dies behind it: what it was told last may still be done.
   */
  readonly unsettled: number;
  close(): void;
}

interface Pending {
  readonly line: string;
  readonly ack: string;
  sent: boolean;
  readonly settle: (answer: NftAnswer) => void;
}

/** What nft said and nobody has asked about yet; more than this is forgotten. */
const SAID_BYTES_MAX = 65_536;

/** One is asked; the other is there already when that one is lost, or is replaced. */
const LANES = 2;

/**
 * An interactive nft keeps what it was told, walks through all of it at each line, and reads and writes
 * it in the home folder. So its home is none, and each is asked so often and then replaced: with the
 * 30,000 lines of some hours a refresh cost twice as much, and its memory grew without end.
 */
const QUESTIONS_PER_NFT = 500;
const NO_HOME = ["env", "HOME=/dev/null"];

/**
 * none      no nft: it ended by itself, and another is begun when something is asked or answered
 * starting  begun, and not there yet: it cannot be killed yet, so it is told nothing
 * ready     takes lines
 * replaced  killed after its last answer; another is begun when it has ended
 * given-up  killed with lines that it has not answered; as replaced
 */
type LaneState = "none" | "starting" | "ready" | "replaced" | "given-up";

/** A shell with one nft after the other. */
interface Keeper {
  readonly lane: Lane;
  state: LaneState;
  asked: number;
  said: string;
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
 * An nft that does not answer within `answerMs` is killed before anybody is told so: it begins nothing any
 * more, and what it left unread its shell throws away. Both lost at once are waited for, each by its shell:
 * what holds two in the kernel would hold a third.
 */
class ShellSession implements NftSession {
  restarts = 0;
  private readonly answerMs: number;
  private readonly argv: readonly string[];
  private readonly keepers = new Set<Keeper>();
  private current: Keeper | undefined;
  /** In the order of asking: first those that `current` was told, then those that wait for an nft. */
  private pending: Pending[] = [];
  private asked = 0;
  private isLost = false;
  private closed = false;

  constructor(answerMs: number, argv: readonly string[]) {
    this.answerMs = answerMs;
    this.argv = [...NO_HOME, ...argv];
  }

  ask(line: string): Promise<NftAnswer> {
    if (this.closed) return Promise.resolve({ kind: "no-answer" });
    if (this.isLost) this.restarts += 1;
    this.isLost = false;
    this.asked += 1;
    const ack = `ack ${this.asked}`;
    return new Promise((resolve) => {
      const settle = (answer: NftAnswer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      const entry: Pending = { line, ack, sent: false, settle };
      // A stalled loop runs this timer before it reads the pipe: let the answer in first.
      const late = () => setImmediate(() => setImmediate(() => this.late(entry)));
      const timer = setTimeout(late, this.answerMs);
      this.pending.push(entry);
      this.tell();
    });
  }

  prepare(): void {
    for (const keeper of this.keepers) if (keeper.state === "none") this.begin(keeper);
    while (this.keepers.size < LANES) this.open();
  }

  get unsettled(): number {
    return [...this.keepers].filter(({ state }) => state === "given-up").length;
  }

  close(): void {
    this.closed = true;
    for (const { lane } of this.keepers) lane.close();
    this.keepers.clear();
    this.current = undefined;
    for (const { settle } of this.pending.splice(0)) settle({ kind: "no-answer" });
  }

  /** Tells an nft what waits for one. */
  private tell(): void {
    this.current ??= this.waiting();
    const to = this.current;
    if (to === undefined) {
      this.provide();
      return;
    }
    for (const entry of this.pending) {
      if (entry.sent) continue;
      entry.sent = true;
      to.asked += 1;
      to.lane.write(`${entry.line}\n${entry.ack}\n`);
    }
  }

  /** There is nobody to ask: one is brought, unless it comes already. */
  private provide(): void {
    const keepers = [...this.keepers];
    if (keepers.some(({ state }) => state === "starting")) return;
    const idle = keepers.find(({ state }) => state === "none");
    if (idle !== undefined) this.begin(idle);
    else if (keepers.length < LANES) this.open();
  }

  private waiting(): Keeper | undefined {
    return [...this.keepers].find((each) => each.state === "ready" && each !== this.current);
  }

  private late(entry: Pending): void {
    if (!this.pending.includes(entry)) return;
    if (entry.sent) {
      this.giveUp();
      return;
    }
    this.pending = this.pending.filter((each) => each !== entry);
    entry.settle({ kind: "no-answer" });
  }

  /** The nft that is asked is gone, or goes: what it has not answered has no answer. */
  private giveUp(): void {
    const given = this.pending.filter(({ sent }) => sent);
    this.pending = this.pending.filter(({ sent }) => !sent);
    const { current } = this;
    this.current = undefined;
    this.isLost = true;
    if (current?.state === "ready") {
      current.state = given.length > 0 ? "given-up" : "replaced";
      current.lane.kill();
    }
    for (const { settle } of given) settle({ kind: "no-answer" });
  }

  private open(): void {
    const lane = openLane({
      onStarted: () => {
        if (keeper.state !== "starting") return;
        keeper.state = "ready";
        this.tell();
      },
      onSaid: (what, chunk) => what === "stderr" && this.hear(keeper, chunk.toString("utf8")),
      onEnded: () => this.ended(keeper),
      onLost: () => {
        this.keepers.delete(keeper);
        keeper.state = "none";
        if (keeper === this.current) this.giveUp();
      },
    });
    const keeper: Keeper = { lane, state: "none", asked: 0, said: "" };
    this.keepers.add(keeper);
    this.begin(keeper);
  }

  private begin(keeper: Keeper): void {
    Object.assign(keeper, { state: "starting", asked: 0, said: "" });
    keeper.lane.begin(this.argv, KEPT);
  }

  private ended(keeper: Keeper): void {
    const ordered = keeper.state === "given-up" || keeper.state === "replaced";
    keeper.state = "none";
    if (keeper === this.current) this.giveUp();
    // One that cannot start is not tried again and again.
    if (ordered) this.begin(keeper);
  }

  private hear(keeper: Keeper, chunk: string): void {
    if (keeper !== this.current) return;
    keeper.said = (keeper.said + chunk).slice(-SAID_BYTES_MAX);
    for (let first = this.pending[0]; first?.sent === true; first = this.pending[0]) {
      const end = findComplaint(keeper.said, first.ack);
      if (end === undefined) return;
      // Its first line, "Error: syntax error …", stands right before the word itself.
      const before = keeper.said.slice(0, end.from).replace(/Error: [^\n]*\n$/, "");
      keeper.said = keeper.said.slice(end.to);
      this.pending.shift();
      first.settle(before === "" ? { kind: "applied" } : { kind: "refused", said: before });
    }
    // Nothing is pending: who is not there is brought back, and who was asked often is replaced.
    this.prepare();
    const other = keeper.asked < QUESTIONS_PER_NFT ? undefined : this.waiting();
    if (other === undefined) return;
    this.current = other;
    keeper.state = "replaced";
    keeper.lane.kill();
  }
}

export function createNftSession(options: {
  readonly answerMs: number;
  readonly argv?: readonly string[];
}): NftSession {
  return new ShellSession(options.answerMs, options.argv ?? ["nft", "-i"]);
}
