// status-lines.test.ts — every situation as a person sees it, in three widths, against snapshots.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ASCII_GLYPHS, UNICODE_GLYPHS } from "../render/glyphs.js";
import { paint } from "../render/paint.js";
import { lineWidth, plainText } from "../render/text.js";
import { assertGolden } from "./golden.js";
import { SAMPLE_PAIRS } from "./sample-pairs.js";
import { statusLines } from "./status-lines.js";

const WIDTHS = [80, 100, 160] as const;

for (const [name, pair] of Object.entries(SAMPLE_PAIRS)) {
  for (const columns of WIDTHS) {
    test(`status of '${name}' at ${columns} columns is as the snapshot shows it`, () => {
      const lines = statusLines(pair, { glyphs: UNICODE_GLYPHS, columns });
      for (const line of lines) assert(lineWidth(line) <= columns, plainText([line]));
      assertGolden(`status/${name}-${columns}.txt`, plainText(lines));
    });
  }
}

test("no line is wider than the terminal, from 40 columns on", () => {
  for (const [name, pair] of Object.entries(SAMPLE_PAIRS)) {
    for (let columns = 40; columns <= 200; columns += 1) {
      for (const one of statusLines(pair, { glyphs: UNICODE_GLYPHS, columns })) {
        assert(lineWidth(one) <= columns, `${name} at ${columns}: ${plainText([one])}`);
      }
    }
  }
});

test("colours carry what the words say too: painted and plain differ in codes only", () => {
  for (const pair of Object.values(SAMPLE_PAIRS)) {
    const lines = statusLines(pair, { glyphs: UNICODE_GLYPHS, columns: 100 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes are what is removed
    const stripped = paint(lines, true).replaceAll(/\u001b\[[0-9;]*m/g, "");
    const trimmed = stripped
      .split("\n")
      .map((line) => line.trimEnd())
      .join("\n");
    assert.equal(trimmed, plainText(lines));
  }
});

test("a painted status is as the snapshot shows it", () => {
  const pair = SAMPLE_PAIRS["on-fallback"];
  assert(pair !== undefined);
  const lines = statusLines(pair, { glyphs: UNICODE_GLYPHS, columns: 100 });
  assertGolden("status/on-fallback-painted.txt", paint(lines, true).replaceAll("\u001b", "␛"));
});

test("without Unicode every character is ASCII", () => {
  const pair = SAMPLE_PAIRS.halted;
  assert(pair !== undefined);
  const text = plainText(statusLines(pair, { glyphs: ASCII_GLYPHS, columns: 100 }));
  assert.doesNotMatch(text.replaceAll(/[…·]/g, ""), /[^\p{ASCII}]/u);
});

test("what a script printed cannot steer the terminal", () => {
  const pair = SAMPLE_PAIRS.halted;
  assert(pair !== undefined);
  const text = plainText(statusLines(pair, { glyphs: UNICODE_GLYPHS, columns: 160 }));
  assert.match(text, /no such study/);
  assert(!text.includes("\u001b"));
});
