// shutdown.ts — one ordered way out of a daemon.

/** A handler that takes longer than this is left behind. */
export const SHUTDOWN_MS_MAX = 10_000;

/** Calls `handler` once on SIGTERM or SIGINT, then exits: 0 where it succeeded, 1 where it failed or hung. */
export function onShutdown(handler: (signal: string) => Promise<void>): void {
  let begun = false;
  const begin = (signal: string) => {
    if (begun) return;
    begun = true;
    setTimeout(() => process.exit(1), SHUTDOWN_MS_MAX).unref();
    handler(signal).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`shutdown: ${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", () => begin("SIGTERM"));
  process.on("SIGINT", () => begin("SIGINT"));
}
