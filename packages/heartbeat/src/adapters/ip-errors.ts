// ip-errors.ts — what `ip -force -batch -` says of the lines that failed (no I/O).

/** By line number from 1, counted by `ip` since its start. */
export function parseBatchErrors(stderr: string): Map<number, string> {
  const found = new Map<number, string>();
  let said: string[] = [];
  for (const line of stderr.split("\n")) {
    const failed = /^Command failed -:(\d+)$/.exec(line);
    if (failed === null) {
      if (line.trim() !== "") said.push(line.trim());
      continue;
    }
    found.set(Number(failed[1]), said.join("; ").replace(/^(RTNETLINK answers|Error): /, ""));
    said = [];
  }
  return found;
}
