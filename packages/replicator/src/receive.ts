// receive.ts — the command that the peer's SSH key is forced to: hands one request to the daemon, nothing else.
//
// It imports nothing but the list of words, so that it starts fast and can be put alone where the
// peer's account may read it. The daemon judges everything, again.
import { connect } from "node:net";
import { join } from "node:path";
import { isVerb } from "./core/verbs.js";

/** Bytes taken from the peer and given to it; the daemon's own bounds are narrower. */
const BYTES_MAX = 32 * 1024 * 1024;
const TIME_MS_MAX = 30_000;
/** Exit codes with the meanings of sysexits.h. */
const EXIT = { done: 0, usage: 64, unavailable: 69, failed: 75 } as const;

const leave = (code: number, words: string): never => {
  process.stderr.write(`${words}\n`);
  process.exit(code);
};

function runFolder(argv: readonly string[]): string {
  const at = argv.indexOf("--run");
  return (at >= 0 ? argv[at + 1] : undefined) ?? process.env.LBPAIR_RUN ?? "/run/lbpair";
}

/** `argv` is what stands behind `receive` on the forced command's line. */
export function receive(argv: readonly string[]): void {
  const verb = process.env.SSH_ORIGINAL_COMMAND ?? "";
  if (!isVerb(verb)) {
    leave(EXIT.usage, "this account takes one word of lbpair's replication and nothing else");
  }
  const socket = connect({ path: join(runFolder(argv), "receive.sock"), allowHalfOpen: true });
  setTimeout(
    () => leave(EXIT.failed, "the replicator did not answer in time"),
    TIME_MS_MAX,
  ).unref();
  let connected = false;
  let taken = 0;
  let given = 0;
  socket.on("connect", () => {
    connected = true;
    socket.write(`${verb}\n`);
    process.stdin.on("data", (chunk: Buffer) => {
      taken += chunk.length;
      if (taken > BYTES_MAX) leave(EXIT.usage, `want at most ${BYTES_MAX} bytes, got more`);
      if (!socket.write(chunk)) process.stdin.pause();
    });
    socket.on("drain", () => process.stdin.resume());
    process.stdin.on("end", () => socket.end());
  });
  socket.on("data", (chunk: Buffer) => {
    given += chunk.length;
    if (!process.stdout.write(chunk)) {
      socket.pause();
      process.stdout.once("drain", () => socket.resume());
    }
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (connected) return;
    leave(EXIT.unavailable, `the replicator is not running there (${error.code})`);
  });
  socket.on("close", () => {
    if (given === 0) leave(EXIT.failed, "the replicator hung up without an answer");
    process.stdout.write("", () => process.exit(EXIT.done));
  });
}
