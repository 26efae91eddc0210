// field-reference.ts — docs/configuration.md: every field of the three files, from the schema itself.
import {
  applianceSchema,
  type FieldRow,
  formatDuration,
  listFields,
  modesSchema,
  servicesSchema,
} from "@lbpair/common";

interface Issue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}

/** Values that hardly any field takes; each field's schema then says what it wants instead. */
const WRONG_VALUES: readonly unknown[] = ["\u0007", -1, 0.5, {}, null];

const isDefaultMessage = (message: string): boolean => /^(Invalid|Too|Unrecognized)/.test(message);

/** What a field's schema says it wants: the fullest of its error messages. */
function wantOf(row: FieldRow): string {
  const messages = WRONG_VALUES.flatMap((value) => {
    const result = row.schema.safeParse(value);
    if (result.success) return [];
    return (result.error.issues as readonly Issue[])
      .filter((issue) => issue.path.length === 0)
      .map((issue) => issue.message);
  }).filter((message) => !isDefaultMessage(message));
  const fullest = messages.sort((a, b) => b.length - a.length)[0];
  return (fullest ?? "a section") + listSizes(row);
}

interface ZodInside {
  readonly def: { readonly type: string; readonly innerType?: ZodInside };
  readonly _zod: { readonly bag: Readonly<Record<string, unknown>> };
}

/** ", 1-64 of them" where a list's length is bounded. */
function listSizes(row: FieldRow): string {
  let inner = row.schema as unknown as ZodInside;
  while (inner.def.innerType !== undefined) inner = inner.def.innerType;
  if (inner.def.type !== "array") return "";
  const { minimum, maximum } = inner._zod.bag;
  const least = typeof minimum === "number" ? minimum : 0;
  return typeof maximum === "number" ? `, ${least}-${maximum} of them` : "";
}

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

function showDefault(row: FieldRow, want: string): string {
  if (row.required) return "required";
  if (row.fallback === undefined || isEmpty(row.fallback)) return "may be absent";
  if (typeof row.fallback === "number" && want.includes("duration")) {
    return `\`${formatDuration(row.fallback)}\``;
  }
  if (row.path.endsWith("markMask") && typeof row.fallback === "number") {
    return `\`0x${row.fallback.toString(16).padStart(8, "0")}\``;
  }
  return `\`${String(row.fallback)}\``;
}

function unitOf(want: string): string {
  if (want.includes("duration")) return "duration";
  if (want.includes("port")) return "port";
  return "";
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function tableOf(rows: readonly FieldRow[]): string[] {
  return [
    "| field | meaning | wants | unit | default | class |",
    "|---|---|---|---|---|---|",
    ...rows.map((row) => {
      const want = wantOf(row);
      const isDiscriminator = row.path.endsWith(".type");
      const only =
        row.onlyFor === undefined || isDiscriminator ? "" : ` (only for ${row.onlyFor.join(", ")})`;
      const doc = isDiscriminator ? "What kind of check it is" : row.doc;
      const brief = want.replace(", like 200ms, 1s or 5m", "");
      const cells = [
        `\`${row.path}\``,
        `${doc}${only}`,
        brief,
        unitOf(want),
        showDefault(row, want),
        row.ownership,
      ];
      return `| ${cells.map(cell).join(" | ")} |`;
    }),
  ];
}

const INTRODUCTION = `# Configuration reference

Generated from the schema by \`lbpair fields --markdown\`; a test keeps it current. Edit the schema
(\`packages/common/src/*-schema.ts\`), not this file.

Three files in \`/etc/lbpair\` (\`--etc\`, \`LBPAIR_ETC\`), in YAML. Unknown keys are refused, aliases too.
Durations are written with their unit: \`200ms\`, \`1.5s\`, \`5m\`, \`2h\`. \`[]\` in a field's name means each
member of a list.

| class | means |
|---|---|
| replicated | the same on both nodes; travels from the primary to the secondary by \`lbpair apply\` |
| local | belongs to this box; never leaves it and is never written from the other |
| derived | computed on each node from other fields; not written by anybody |

\`lbpair check\` prints everything wrong with these files at once, with the line;
[problems.md](problems.md) explains the codes.
`;

const SECTIONS = [
  {
    title: "services.yaml",
    about:
      "What both nodes share. A saved file is a candidate; `lbpair apply` on either node puts it in force on both.",
    schema: servicesSchema,
  },
  {
    title: "appliance.yaml",
    about: "Who this box is. Each node has its own; nothing of it is ever sent to the other.",
    schema: applianceSchema,
  },
  {
    title: "modes.yaml",
    about:
      "What operators have halted or drained. Written by `lbpair halt`, `drain` and `online`, in force at once on both nodes.",
    schema: modesSchema,
  },
] as const;

/** Every field of the three files, as rows for programs. */
export function fieldRows(): unknown[] {
  return SECTIONS.flatMap(({ title, schema }) =>
    listFields(schema).map((row) => ({
      file: title,
      path: row.path,
      ownership: row.ownership,
      doc: row.doc,
      want: wantOf(row),
      required: row.required,
      default: row.fallback ?? null,
      ...(row.onlyFor === undefined ? {} : { onlyFor: row.onlyFor }),
    })),
  );
}

/** The text of docs/configuration.md. */
export function fieldReference(): string {
  const parts = SECTIONS.map(({ title, about, schema }) =>
    [`## ${title}`, "", about, "", ...tableOf(listFields(schema)), ""].join("\n"),
  );
  return `${INTRODUCTION}\n${parts.join("\n")}`;
}
