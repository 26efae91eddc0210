// servant.ts — commands by shells that wait for them: a `Run` for a process that must not fork.
import {
  type Millis,
  millis,
  RUN_GRACE_MS,
  RUN_OUTPUT_BYTES_MAX,
  RUN_TIMEOUT_MS,
  type Run,
  type RunOptions,
  type RunResult,
  runCommand,
} from "@lbpair/common/light";
import { KEPT, type Lane, MARK_BYTES, openLane } from "./lane.js";

export interface Servant {
  /**
   * As `runCommand`, but that what is too late is killed at once, alone, and that a command which does
   * not exist ends by exit code 127. One that needs an environment or a folder of its own is forked.
   */
  readonly run: Run;
  /** Starts the shells that are not there yet: from then on only a lost one is started again. */
  prepare(): void;
  /** Ends the shells and what they run. */
  close(): void;
}

/** Addresses, gate and validation do not wait for each other. */
const LANES = 3;

/**
 * What another command leaves behind when it is killed is not known: a Node leaves the pipes in a mode in
 * which the next command's words get lost. Its shell goes with it.
 */
const LEAVE_PIPES = new Set(["ip", "nft"]);

/** What one of the two outputs said, within its bound. */
class Heard {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private readonly bytesMax: number;
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }
  add(chunk: Buffer): void {
    // With the mark behind it.
    const room = this.bytesMax + MARK_BYTES - Math.min(this.size, this.bytesMax + MARK_BYTES);
    if (room > 0) this.chunks.push(chunk.subarray(0, room));
    this.size += chunk.length;
  }
  /** `marked` = the lane's mark is its end. */
  text(marked: boolean): { readonly text: string; readonly truncated: boolean } {
    const size = Math.max(0, this.size - (marked ? MARK_BYTES : 0));
    const kept = Buffer.concat(this.chunks).subarray(0, Math.min(size, this.bytesMax));
    return { text: kept.toString("utf8"), truncated: size > this.bytesMax };
  }
}

interface Job {
  readonly argv: readonly string[];
  readonly options: RunOptions;
  readonly stdout: Heard;
  readonly stderr: Heard;
  lane: Keeper | undefined;
  /** Null: its shell was lost, or it did not end in time. */
  finish(code: number | null): void;
}

/** A lane and what it does now. */
interface Keeper {
  readonly lane: Lane;
  job: Job | undefined;
  /** Ends it; another takes its place when there is something to do. */
  retire(): void;
}

const isPlain = (argv: readonly string[], { env, cwd, input }: RunOptions): boolean =>
  env === undefined &&
  cwd === undefined &&
  input !== KEPT &&
  argv.length > 0 &&
  !argv.some((word) => /[\n\0]/.test(word)) &&
  !(input ?? "").includes("\0");

export function createServant(): Servant {
  const keepers = new Set<Keeper>();
  const waiting: Job[] = [];
  let closed = false;

  const open = (): Keeper => {
    const lane = openLane({
      onSaid: (what, chunk) => keeper.job?.[what].add(chunk),
      onEnded: (code) => {
        keeper.job?.finish(code);
        keeper.job = undefined;
        next();
      },
      onLost: () => lose(),
    });
    const lose = () => {
      keepers.delete(keeper);
      keeper.job?.finish(null);
      next();
    };
    const retire = () => {
      lane.close();
      lose();
    };
    const keeper: Keeper = { lane, job: undefined, retire };
    keepers.add(keeper);
    return keeper;
  };
  const next = () => {
    while (waiting.length > 0 && !closed) {
      const idle = [...keepers].find(({ job }) => job === undefined);
      const keeper = idle ?? (keepers.size < LANES ? open() : undefined);
      const job = keeper === undefined ? undefined : waiting.shift();
      if (keeper === undefined || job === undefined) return;
      keeper.job = job;
      job.lane = keeper;
      keeper.lane.begin(job.argv, job.options.input ?? "");
    }
  };
  const run: Run = (argv, options = {}) => {
    if (closed || !isPlain(argv, options)) return runCommand(argv, options);
    return new Promise((resolve) => {
      const job = createJob(argv, options, resolve, () => {
        const at = waiting.indexOf(job);
        if (at >= 0) waiting.splice(at, 1);
        job.lane?.lane.kill();
        if (!LEAVE_PIPES.has(argv[0] ?? "")) job.lane?.retire();
        return at < 0;
      });
      waiting.push(job);
      next();
    });
  };
  return {
    run,
    prepare() {
      while (keepers.size < LANES) open();
    },
    close() {
      closed = true;
      for (const { lane, job } of keepers) {
        lane.close();
        job?.finish(null);
      }
      keepers.clear();
      for (const job of waiting.splice(0)) job.finish(null);
    },
  };
}

/** `stop` ends it, and says whether there was anything to end. */
function createJob(
  argv: readonly string[],
  options: RunOptions,
  resolve: (result: RunResult) => void,
  stop: () => boolean,
): Job {
  const { timeoutMs = RUN_TIMEOUT_MS, outputBytesMax = RUN_OUTPUT_BYTES_MAX } = options;
  const started = process.hrtime.bigint();
  const tookMs = (): Millis => millis(Number(process.hrtime.bigint() - started) / 1e6);
  const stdout = new Heard(outputBytesMax);
  const stderr = new Heard(outputBytesMax);
  let timedOut = false;
  let finished = false;
  const finish = (code: number | null) => {
    if (finished) return;
    finished = true;
    clearTimeout(timer);
    const marked = code !== null;
    const [printed, said] = [stdout.text(marked), stderr.text(marked)];
    const truncated = printed.truncated || said.truncated;
    const told = { stdout: printed.text, stderr: said.text, timedOut, truncated };
    const ended = timedOut || code === null;
    const how = ended ? { code: null, signal: "SIGKILL" } : { code, signal: null };
    resolve({ argv, ...how, ...told, tookMs: tookMs() });
  };
  const late = () => {
    if (finished) return;
    timedOut = true;
    // A command that hangs in the kernel ends later; nobody waits for it.
    if (stop()) timer = setTimeout(() => finish(null), RUN_GRACE_MS);
    else finish(null);
  };
  // A stalled loop runs this timer before it reads the pipes: let the end in first.
  let timer = setTimeout(() => setImmediate(() => setImmediate(late)), timeoutMs);
  return { argv, options, stdout, stderr, lane: undefined, finish };
}
