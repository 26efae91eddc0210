// tidy.test.ts — the repository checks itself; and each check is shown to find a planted fault.
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  deadLinks,
  firstCommands,
  incompleteGoldenCases,
  undocumentedDependencies,
  undocumentedLimits,
  undocumentedProblems,
} from "./document-rules.js";
import {
  filesNobodyImports,
  heavyHeartbeat,
  importsAgainstTheArrows,
  impureCores,
} from "./ring-rules.js";
import {
  filesTooLong,
  filesWithoutOpening,
  machinePlaces,
  onlySomeTests,
  repeatedTestNames,
  testsWithoutAssertion,
  unfinishedMarks,
} from "./text-rules.js";
import { readTree, type Tree } from "./tree.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const tree = readTree(root);

type Rule = (tree: Tree) => string[];
/** A rule, what it promises, and for each fault it must find: a file to plant and the words it is told with. */
interface Check {
  readonly promise: string;
  readonly rule: Rule;
  readonly planted: readonly (readonly [path: string, text: string, told: RegExp])[];
}

const core = "packages/heartbeat/src/core/planted.ts";
const GOLDEN_NEIGHBOUR: readonly (readonly [string, string])[] = [
  ["packages/x/golden/whole/input.yaml", "x"],
  ["packages/x/golden/whole/output.nft", "x"],
];
const CHECKS: readonly Check[] = [
  {
    promise: "what the heartbeat starts with loads no schema and no YAML",
    rule: heavyHeartbeat,
    planted: [
      ["packages/heartbeat/src/p.ts", 'import { millis } from "@lbpair/common";', /common.light/],
      ["packages/heartbeat/src/p.ts", 'const x = await import("@lbpair/common");', /common.light/],
    ],
  },
  {
    promise: "imports follow the arrows: common, then the daemons, then cli and lab",
    rule: importsAgainstTheArrows,
    planted: [
      [
        "packages/forwarder/src/p.ts",
        'import { step } from "@lbpair/heartbeat";',
        /forwarder must not/,
      ],
      ["packages/common/src/p.ts", 'export * from "@lbpair/forwarder";', /common must not/],
      ["packages/cli/src/p.ts", 'import { x } from "@lbpair/lab";', /cli must not/],
      [
        "packages/cli/src/p.ts",
        'import { x } from "@lbpair/common/dist/run.js";',
        /reaches inside/,
      ],
      ["packages/cli/src/p.ts", 'import { x } from "../../lab/src/x.js";', /leaves the package/],
      ["packages/cli/src/p.ts", 'import left from "left-pad";', /no dependency/],
    ],
  },
  {
    promise: "the pure cores know no node module, no clock, no randomness and no process",
    rule: impureCores,
    planted: [
      [core, 'import { readFile } from "node:fs";', /imports node:fs/],
      [core, 'import { runCommand } from "@lbpair/common";', /uses runCommand of .*run\.ts/],
      [core, 'import { go } from "../daemon.js";', /imports packages\/heartbeat\/src\/daemon\.ts/],
      [core, "const now = Date.now();", /:1: .*Date\.now/],
      [core, "setTimeout(() => {}, 1);", /setTimeout/],
      [core, "const dice = Math.random();", /Math\.random/],
      ["packages/forwarder/src/slots.ts", "export const pid = process.pid;", /process\./],
    ],
  },
  {
    promise: "every source file is imported by another, its own test not counted",
    rule: filesNobodyImports,
    planted: [
      [core, "export const a = 1;", /core\/planted\.ts: nobody/],
      ["test/support/planted.ts", "export const a = 1;", /support\/planted\.ts: nobody/],
    ],
  },
  {
    promise: "a file of more than 300 lines states its reason",
    rule: filesTooLong,
    planted: [[core, "// planted.ts — x\n".concat("a;\n".repeat(301)), /302 lines/]],
  },
  {
    promise: "every file of code begins with what it decides",
    rule: filesWithoutOpening,
    planted: [
      [core, "export const a = 1;\n", /want a first line "planted\.ts — /],
      ["scripts/planted.sh", "#!/bin/bash\necho\n", /planted\.sh/],
    ],
  },
  {
    promise: "nothing unfinished is committed",
    rule: unfinishedMarks,
    planted: [[core, `// TO${"DO"}: later`, /planted\.ts:1/]],
  },
  {
    promise: "no file names a place of one machine or one network's server",
    rule: machinePlaces,
    planted: [
      [core, `const a = "${"/home"}/somebody/lbpair";`, /\/home\/somebody/],
      [".npmrc", `registry=https://${"npm-mirror"}.example/`, /npm-mirror/],
    ],
  },
  {
    promise: "a test's promise is made once in its file",
    rule: repeatedTestNames,
    planted: [["test/kernel/p.test.ts", 'test("a", f);\ntest("a", g);\n', /two tests promise "a"/]],
  },
  {
    promise: "no test is left to run alone",
    rule: onlySomeTests,
    planted: [["test/kernel/p.test.ts", `test.${"only"}("a", f);`, /runs only some/]],
  },
  {
    promise: "every file of tests asserts something",
    rule: testsWithoutAssertion,
    planted: [["test/kernel/p.test.ts", 'test("a", () => {});', /asserts nothing/]],
  },
  {
    promise: "every problem code has its section in docs/problems.md, and no other is there",
    rule: undocumentedProblems,
    planted: [
      [
        "packages/common/src/problems.ts",
        'export const PROBLEM_CODES = ["planted"] as const;',
        /want a section of planted/,
      ],
      ["packages/common/src/problems.ts", "", /no codes found/],
    ],
  },
  {
    promise: "every limit has its row with its value in docs/limits.md, and no other row is there",
    rule: undocumentedLimits,
    planted: [
      [core, "export const PLANTED_MAX = 3;", /want a row of PLANTED_MAX = 3/],
      ["docs/limits.md", "| `GONE_MAX` | `1` | x |", /GONE_MAX = 1 is no limit/],
    ],
  },
  {
    promise: "every dependency has its row in docs/dependencies.md",
    rule: undocumentedDependencies,
    planted: [
      ["packages/cli/package.json", '{"dependencies":{"left-pad":"1"}}', /row of left-pad/],
    ],
  },
  {
    promise: "README shows the two commands first",
    rule: firstCommands,
    planted: [
      ["README.md", "```\nnpm install\n```\n```\nnpm run lab\nnpm test\n```", /npm run lab/],
    ],
  },
  {
    promise: "links between documents lead somewhere",
    rule: deadLinks,
    planted: [["docs/planted.md", "[x](../nowhere.md)", /leads nowhere/]],
  },
  {
    promise: "every golden case has all the files its neighbours have",
    rule: (checked) => incompleteGoldenCases(new Map([...checked, ...GOLDEN_NEIGHBOUR])),
    planted: [["packages/x/golden/lonely/input.yaml", "x", /lonely: want output\.nft/]],
  },
];

for (const { promise, rule } of CHECKS) {
  test(promise, () => assert.deepEqual(rule(tree), []));
}

for (const { promise, rule, planted } of CHECKS) {
  test(`a planted fault is found: ${promise}`, () => {
    for (const [path, text, told] of planted) {
      const before = new Set(rule(tree));
      const found = rule(new Map([...tree, [path, text]])).filter((line) => !before.has(line));
      assert.ok(
        found.some((line) => told.test(line)),
        `${path}: ${found.join("; ")}`,
      );
    }
  });
}

test("the tree that is checked is the whole repository", () => {
  console.log(`${tree.size} files`);
  for (const path of ["package.json", "packages/common/src/index.ts", "test/tidy/tree.ts"]) {
    assert.ok(tree.has(path), path);
  }
});
