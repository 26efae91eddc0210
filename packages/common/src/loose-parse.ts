// loose-parse.ts — what can be understood of a wrong file, so that all its problems show at once.
import { z } from "zod";
import { didYouMean } from "./did-you-mean.js";

/** A value of which any part may be missing because it was wrong. */
export type Loose<T> = T extends string | number | boolean
  ? T
  : T extends readonly (infer Item)[]
    ? (Loose<Item> | undefined)[]
    : T extends object
      ? { [K in keyof T]?: Loose<T[K]> | undefined }
      : T;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Parses each field and list member for itself; those that are wrong become undefined. */
export function looseParse<S extends z.ZodType>(
  schema: S,
  value: unknown,
): Loose<z.output<S>> | undefined {
  const whole = schema.safeParse(value);
  if (whole.success) return whole.data as Loose<z.output<S>>;
  let inner: z.ZodType = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional
  ) {
    inner = inner.def.innerType as z.ZodType;
  }
  if (inner instanceof z.ZodDiscriminatedUnion && isRecord(value)) {
    const option = inner.def.options.find(
      (each) => (each as z.ZodObject).shape.type?.safeParse(value.type).success,
    );
    return option && (looseParse(option as z.ZodType, value) as Loose<z.output<S>>);
  }
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    const element = inner.def.element as z.ZodType;
    return value.map((item) => looseParse(element, item)) as Loose<z.output<S>>;
  }
  if (inner instanceof z.ZodObject && isRecord(value)) {
    const shape = inner.shape as Record<string, z.ZodType>;
    // An absent key beside a misspelt one of nearly its name is it: its default is not meant.
    const names = Object.keys(shape);
    const meant = new Set(
      Object.keys(value)
        .filter((key) => !Object.hasOwn(shape, key))
        .map((key) => didYouMean(key, names)),
    );
    return Object.fromEntries(
      Object.entries(shape).map(([name, field]) => [
        name,
        meant.has(name) && !Object.hasOwn(value, name) ? undefined : looseParse(field, value[name]),
      ]),
    ) as Loose<z.output<S>>;
  }
  return undefined;
}
