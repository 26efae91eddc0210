// fallbacks.ts — the fallback servers of a service in the order they are asked, however they were written.

interface WithFallbacks<T> {
  readonly fallback?: T | undefined;
  readonly fallbacks?: readonly T[] | undefined;
}

export const fallbacksOf = <T>({ fallback, fallbacks }: WithFallbacks<T>): readonly T[] => [
  ...(fallback === undefined ? [] : [fallback]),
  ...(fallbacks ?? []),
];

/** The label of a service's fallback server by its place in the order. */
export const fallbackLabel = (place: number): string =>
  place === 0 ? "fallback" : `fallback-${place + 1}`;

/** The label of a service's built-in page. */
export const PAGE_LABEL = "fallback-page";

/** Whether a label is kept for fallback servers. */
export const isFallbackLabel = (label: string): boolean => /^fallback(-(\d+|page))?$/.test(label);
