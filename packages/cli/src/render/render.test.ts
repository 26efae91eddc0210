// render.test.ts — widths, wrapping, columns and numbers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { showBytes, showCount } from "./numbers.js";
import { wantsColour } from "./paint.js";
import { table } from "./table.js";
import { cutText, harmless, line, lineWidth, plainText, textWidth, wrapLine } from "./text.js";

test("control characters and turned text are made harmless", () => {
  assert.equal(harmless("a\u001b[2Jb\u0007c\u009bd\u202ee"), "a·[2Jb·c·d·e");
});

test("wide and combining characters are measured as a terminal draws them", () => {
  assert.equal(textWidth("abc"), 3);
  assert.equal(textWidth("医療"), 4);
  assert.equal(textWidth("e\u0301"), 1);
});

test("a cut text is never wider than asked", () => {
  assert.equal(cutText("PrimaryCluster", 8), "Primary…");
  assert.equal(cutText("医療医療", 5), "医療…");
  assert.equal(cutText("same", 4), "same");
});

test("wrapped lines fit, lose no word, and break only what is too long", () => {
  for (let width = 5; width < 40; width += 1) {
    const text = "paths 192.168.200.1 are heard, a-word-that-is-really-too-long-to-fit, again";
    const lines = wrapLine(line(text), width);
    for (const one of lines) assert(lineWidth(one) <= width, `${width}: ${plainText([one])}`);
    const joined = lines.map((one) => plainText([one])).join("");
    assert.equal(joined.replaceAll(" ", ""), text.replaceAll(" ", ""));
  }
});

test("a table aligns numbers, and the least important column leaves first", () => {
  const columns = [
    { title: "name" },
    { title: "open", align: "right", leaves: 1 },
    { title: "bytes", align: "right", leaves: 2 },
  ] as const;
  const rows = [
    { cells: [line("a"), line("7"), line("1.2 GiB")] },
    { cells: [line("bb"), line("1,204"), line("0 B")] },
  ];
  assert.equal(
    plainText(table(columns, rows, 40)),
    ["name   open    bytes", "a         7  1.2 GiB", "bb    1,204      0 B"].join("\n"),
  );
  assert.equal(
    plainText(table(columns, rows, 12)),
    ["name   open", "a         7", "bb    1,204"].join("\n"),
  );
  assert.equal(plainText(table(columns, rows, 5)), ["name", "a", "bb"].join("\n"));
});

test("counts and sizes are as people read them", () => {
  assert.deepEqual([0, 999, 1000, 1_234_567].map(showCount), ["0", "999", "1,000", "1,234,567"]);
  assert.deepEqual([0, 999, 1536, 1_288_490_189].map(showBytes), [
    "0 B",
    "999 B",
    "1.5 KiB",
    "1.2 GiB",
  ]);
});

test("colour is for terminals, NO_COLOR refuses it, FORCE_COLOR asks for it, the user's word wins", () => {
  const cases: readonly [boolean, Record<string, string>, boolean | undefined, boolean][] = [
    [true, {}, undefined, true],
    [false, {}, undefined, false],
    [true, { NO_COLOR: "1" }, undefined, false],
    [true, { NO_COLOR: "" }, undefined, true],
    [false, { FORCE_COLOR: "1" }, undefined, true],
    [true, { TERM: "dumb" }, undefined, false],
    [true, {}, false, false],
  ];
  for (const [isTerminal, env, asked, want] of cases) {
    assert.equal(
      wantsColour({ isTerminal, env, asked }),
      want,
      JSON.stringify({ isTerminal, env, asked }),
    );
  }
});
