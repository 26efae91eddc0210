// lane.ts — a small shell that starts one command after the other, so that this process need not fork.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";

/**
 * A process that forks takes the kernel's lock of every file that it has mapped, and waits for whoever
 * holds one: on a machine with too much work an ordinary process that lost its processor with it
 * (measured: a real-time daemon stood still for 0.4 to 6 s beside eight busy loops on two cores). A
 * shell of some hundred kilobytes waits in its place, and inherits its scheduling.
 */
export interface Lane {
  /**
   * Starts a command; the one before has ended. `input` is its standard input, without what a line break
   * at its end adds; "kept" = what `write` brings, until it is killed. Throws where a word holds a line break.
   */
  begin(argv: readonly string[], input: string): void;
  write(text: string): void;
  /** Kills the command, as soon as it is there; `onEnded` follows. */
  kill(): void;
  /** Ends the shell and its command. */
  close(): void;
}

export interface LaneEvents {
  /** Bytes of standard output or standard error, and at the end of each the lane's own mark. */
  readonly onSaid: (what: "stdout" | "stderr", chunk: Buffer) => void;
  /** Exit code as a shell says it; everything that the command said has been handed over. */
  readonly onEnded: (code: number) => void;
  /** The command is there: `kill` ends it at once from now on. */
  readonly onStarted?: () => void;
  /** The shell is gone, and whatever it ran. */
  readonly onLost: () => void;
}

export const KEPT = "kept";
/** Behind the last byte of both outputs; a command does not know it. */
export const MARK_BYTES = 37;

/**
 * `read` takes one line, byte by byte, and leaves what follows to the command. Lines that a killed command
 * left unread are skipped. What the shell itself says goes to a pipe of its own (3).
 */
const SHELL = `exec 4<&0
while IFS= read -r begin; do
  [ "$begin" = "begin a command" ] || continue
  IFS= read -r mark; IFS= read -r bytes; IFS= read -r count
  set --
  while [ "$count" -gt 0 ]; do IFS= read -r word; set -- "$@" "$word"; count=$((count - 1)); done
  case "$bytes" in
    kept) "$@" <&4 3>&- 4<&- & ;;
    0) "$@" </dev/null 3>&- 4<&- & ;;
    *) input=$(head -c "$bytes" <&4)
       "$@" 3>&- 4<&- <<INPUT &
$input
INPUT
    ;;
  esac
  echo "started $!" >&3
  wait "$!"
  echo "ended $?" >&3
  echo "$mark"
  echo "$mark" >&2
done`;

export function openLane(events: LaneEvents): Lane {
  // A group of its own: the shell is killed together with its command.
  const shell = spawn("sh", ["-c", SHELL], {
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    detached: true,
  });
  let mark = "";
  let pid: number | undefined;
  let code: number | undefined;
  let doomed = false;
  let gone = false;
  let words = "";
  const tails = { stdout: "", stderr: "" };

  const lost = () => {
    if (gone) return;
    gone = true;
    killGroup(shell.pid);
    events.onLost();
  };
  const look = () => {
    if (code === undefined || gone) return;
    if (tails.stdout !== mark || tails.stderr !== mark) return;
    const ended = code;
    code = undefined;
    events.onEnded(ended);
  };
  const hear = (what: "stdout" | "stderr") => (chunk: Buffer) => {
    if (gone) return;
    tails[what] = (tails[what] + chunk.subarray(-MARK_BYTES).toString("latin1")).slice(-MARK_BYTES);
    events.onSaid(what, chunk);
    look();
  };
  const learn = (line: string) => {
    if (gone) return;
    const [what, value] = line.split(" ");
    if (what === "started") pid = Number(value);
    if (what === "ended") [pid, code] = [undefined, Number(value)];
    if (doomed && pid !== undefined) killOne(pid);
    if (what === "started") events.onStarted?.();
  };
  shell.stdout?.on("data", hear("stdout"));
  shell.stderr?.on("data", hear("stderr"));
  const said = shell.stdio[3] as Readable | null;
  said?.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (words + chunk).split("\n");
    words = lines.pop() ?? "";
    lines.forEach(learn);
    look();
  });
  shell.stdin?.on("error", lost);
  shell.on("error", lost);
  shell.on("exit", lost);

  return {
    begin(argv, input) {
      if (argv.some((word) => word.includes("\n"))) throw new Error(`a line break in ${argv}`);
      mark = `${randomUUID()}\n`;
      doomed = false;
      const bytes = input === KEPT ? KEPT : `${Buffer.byteLength(input)}`;
      const head = ["begin a command", mark.trim(), bytes, `${argv.length}`, ...argv];
      shell.stdin?.write(`${head.join("\n")}\n${input === KEPT ? "" : input}`);
    },
    write: (text) => shell.stdin?.write(text),
    kill() {
      doomed = true;
      if (pid !== undefined) killOne(pid);
    },
    close() {
      gone = true;
      killGroup(shell.pid);
    },
  };
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function killGroup(pid: number | undefined): void {
  if (pid !== undefined) killOne(-pid);
}
