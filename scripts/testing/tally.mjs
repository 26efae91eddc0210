// tally.mjs — counts what the tests said, shows it while they run, and repeats what matters at the end.

const indent = (text, by) =>
  text
    .split("\n")
    .map((line) => `${" ".repeat(by)}${line}`)
    .join("\n");

const took = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`);

/** One line for a person: ✔ passed, ✖ failed, ﹣ skipped. */
export function eventLine(event) {
  const place = "  ".repeat(event.nesting + 1);
  if (event.skip !== undefined) return `${place}﹣ ${event.name}: skipped, ${event.skip}`;
  if (event.suite || event.byChildren)
    return `${place}${event.kind === "pass" ? "✔" : "✖"} ${event.name}`;
  const sign = event.kind === "pass" ? "✔" : "✖";
  const line = `${place}${sign} ${event.name} (${took(event.tookMs)})`;
  return event.kind === "pass" ? line : `${line}\n${indent(event.error ?? "", 6)}`;
}

/** Files named at the end as the ones that took longest. */
const SLOWEST = 10;

export class Tally {
  passed = 0;
  files = [];
  phases = [];
  failures = [];
  skips = [];
  leftovers = [];

  /** Takes one file's outcome. A suite is no test; a parent that failed by its children is told by them. */
  add(file, { events, trouble, left }, tookMs) {
    this.files.push({ file, tookMs });
    for (const event of events) {
      if (event.skip !== undefined) {
        const reason = event.skip === true || event.skip === "" ? "no reason given" : event.skip;
        this.skips.push(`${file}: ${event.path}: ${reason}`);
      } else if (event.kind === "fail" && !event.byChildren) {
        this.failures.push({ what: `${file}: ${event.path}`, error: event.error ?? "" });
      } else if (event.kind === "pass" && !event.suite) this.passed += 1;
    }
    if (trouble !== undefined) this.failures.push({ what: file, error: `the file ${trouble}` });
    for (const { pid, command } of left) {
      this.leftovers.push(`${file}: process ${pid} (${command.slice(0, 200)})`);
    }
  }

  addPhase(title, tookMs) {
    this.phases.push(`${title} ${took(tookMs)}`);
  }

  get times() {
    const slowest = this.files.sort((a, b) => b.tookMs - a.tookMs).slice(0, SLOWEST);
    const lines = slowest.map(({ file, tookMs }) => `${took(tookMs).padStart(8)}  ${file}`);
    return `took: ${this.phases.join(", ")}; longest:\n${indent(lines.join("\n"), 2)}`;
  }

  /** Zero tests are a failure: a run that tries nothing proves nothing. */
  get ok() {
    return this.failures.length === 0 && this.passed > 0;
  }

  get counts() {
    return `${this.passed} passed, ${this.failures.length} failed, ${this.skips.length} skipped`;
  }

  /** Everything a reader must not miss; the last line is the counts, alone. */
  get closing() {
    const parts = [this.times];
    if (this.skips.length > 0) {
      parts.push(`SKIPPED, not tried on this machine:\n${indent(this.skips.join("\n"), 2)}`);
    }
    if (this.leftovers.length > 0) {
      parts.push(`LEFT BEHIND by tests, killed now:\n${indent(this.leftovers.join("\n"), 2)}`);
    }
    if (this.failures.length > 0) {
      const failures = this.failures.map(({ what, error }) => `✖ ${what}\n${indent(error, 4)}`);
      parts.push(`FAILED:\n${indent(failures.join("\n"), 2)}`);
    }
    if (this.passed === 0 && this.failures.length === 0)
      parts.push("no test ran: that is a failure");
    return `\n${[...parts, this.counts].join("\n\n")}`;
  }
}
