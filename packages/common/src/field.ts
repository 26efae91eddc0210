// field.ts — every field of a configuration file says to whom it belongs; one that does not, does not compile.
import { z } from "zod";

/**
 * replicated: travels from primary to secondary. local: belongs to one box and never leaves it.
 * derived: computed on each node from other fields.
 */
export type Ownership = "replicated" | "local" | "derived";

/** A field: its ownership class, what it means, and the schema of its value. */
export interface Field<T extends z.ZodType> {
  readonly ownership: Ownership;
  readonly doc: string;
  readonly schema: T;
}

export const replicated = <T extends z.ZodType>(doc: string, schema: T): Field<T> => ({
  ownership: "replicated",
  doc,
  schema,
});
export const local = <T extends z.ZodType>(doc: string, schema: T): Field<T> => ({
  ownership: "local",
  doc,
  schema,
});
export const derived = <T extends z.ZodType>(doc: string, schema: T): Field<T> => ({
  ownership: "derived",
  doc,
  schema,
});

type Fields = Readonly<Record<string, Field<z.ZodType>>>;
type Shape<F extends Fields> = { [K in keyof F]: F[K]["schema"] };

const fieldsOf = new WeakMap<z.ZodType, Fields>();

/** An object that refuses unknown keys; its fields keep their ownership and meaning for `listFields`. */
export function section<F extends Fields>(fields: F): z.ZodObject<Shape<F>, z.core.$strict> {
  const shape = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, field.schema]),
  ) as Shape<F>;
  const object = z.strictObject(shape);
  fieldsOf.set(object, fields);
  return object;
}

/** One row of the configuration reference. `path` has `[]` for list members. */
export interface FieldRow {
  readonly path: string;
  readonly ownership: Ownership;
  readonly doc: string;
  readonly required: boolean;
  readonly fallback: unknown;
  /** The schema of the value, for what it says it wants. */
  readonly schema: z.ZodType;
  /** Types of a section that have the field, where not all of them have it. */
  readonly onlyFor?: readonly string[];
}

function unwrap(schema: z.ZodType): {
  readonly inner: z.ZodType;
  readonly suffix: string;
  readonly required: boolean;
  readonly fallback: unknown;
} {
  let inner: z.ZodType = schema;
  let suffix = "";
  let required = true;
  let fallback: unknown;
  for (;;) {
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      required = false;
      fallback = inner.def.defaultValue;
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodOptional) {
      required = false;
      inner = inner.def.innerType as z.ZodType;
    } else if (inner instanceof z.ZodArray) {
      suffix = `${suffix}[]`;
      inner = inner.def.element as z.ZodType;
    } else return { inner, suffix, required, fallback };
  }
}

/** Every field below a section, in the order of the file, for documents and for ownership tests. */
export function listFields(schema: z.ZodType, prefix = ""): FieldRow[] {
  const { inner } = unwrap(schema);
  const fields = fieldsOf.get(inner);
  if (fields !== undefined) {
    return Object.entries(fields).flatMap(([name, field]) => {
      const { suffix, required, fallback } = unwrap(field.schema);
      const path = `${prefix}${name}`;
      const { ownership, doc, schema: own } = field;
      return [
        { path, ownership, doc, required, fallback, schema: own },
        ...listFields(field.schema, `${path}${suffix}.`),
      ];
    });
  }
  return inner instanceof z.ZodDiscriminatedUnion ? listUnion(inner, prefix) : [];
}

/** Each field once, with the types that have it; the discriminator itself belongs to all. */
function listUnion(union: z.ZodDiscriminatedUnion, prefix: string): FieldRow[] {
  const rows = new Map<string, { readonly row: FieldRow; readonly types: string[] }>();
  for (const option of union.def.options) {
    const literal = (option as z.ZodObject).shape[union.def.discriminator];
    const type = literal instanceof z.ZodLiteral ? String(literal.value) : "";
    for (const row of listFields(option as z.ZodType, prefix)) {
      const before = rows.get(row.path);
      if (before === undefined) rows.set(row.path, { row, types: [type] });
      else before.types.push(type);
    }
  }
  return [...rows.values()].map(({ row, types }) =>
    row.path === `${prefix}${union.def.discriminator}`
      ? { ...row, onlyFor: types, schema: union }
      : types.length === union.def.options.length
        ? row
        : { ...row, onlyFor: types },
  );
}

/** The names a section knows, for "did you mean"; undefined where `schema` is no section. */
export function fieldNames(schema: z.ZodType): string[] | undefined {
  const fields = fieldsOf.get(unwrap(schema).inner);
  return fields === undefined ? undefined : Object.keys(fields);
}
