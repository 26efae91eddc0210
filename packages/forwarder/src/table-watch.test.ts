// table-watch.test.ts — promises of table-watch.ts, with processes that do not start.
import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { type TableWatchOptions, watchTable } from "./table-watch.js";

/** What Node hands out where there is no file descriptor left: no pipes, an error and no 'close'. */
function stillborn(): ChildProcess {
  const child = new ChildProcess();
  process.nextTick(() => child.emit("error", new Error("spawn EMFILE")));
  return child;
}

function living(lines: string): ChildProcess {
  const child = new ChildProcess();
  const stdout = new PassThrough();
  child.stdout = stdout;
  stdout.end(lines);
  return child;
}

test("a monitor that cannot be started is tried again, thrown or told, and ends nothing", async () => {
  const trouble: string[] = [];
  let touched = 0;
  let started = 0;
  const heard = new Promise<void>((resolve) => {
    const options: TableWatchOptions = {
      table: "ip lbpair",
      isOwn: () => false,
      onLost: resolve,
      onTouched: () => {
        touched += 1;
      },
      onRemoved: () => undefined,
      onTrouble: (text) => trouble.push(text),
      spawn() {
        started += 1;
        if (started === 1) return stillborn();
        if (started === 2) throw new Error("spawn ENOMEM");
        return living("delete table ip lbpair\n# new generation 7 by process 1 (nft)\n");
      },
    };
    const watch = watchTable(options);
    setTimeout(() => watch.stop(), 2500).unref();
  });
  await heard;
  console.log("seen:", trouble.join("; "), `${started} starts, ${touched} looks`);
  assert.deepEqual(trouble, ["spawn EMFILE", "spawn ENOMEM"]);
  assert.equal(touched, 2);
});
