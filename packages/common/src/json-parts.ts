// json-parts.ts — a large answer as JSON, made piece by piece.

/** Members of a list that are written in one go. */
const MEMBERS = 100;

/** The pieces of `JSON.stringify(value)`; only long lists directly in the value are taken apart. */
export function* jsonParts(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || "toJSON" in value) {
    yield* listParts(value);
    return;
  }
  let before = "{";
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined || typeof member === "function") continue;
    yield `${before}${JSON.stringify(key)}:`;
    before = ",";
    yield* listParts(member);
  }
  yield before === "{" ? "{}" : "}";
}

function* listParts(value: unknown): Generator<string> {
  if (!Array.isArray(value) || value.length <= MEMBERS) {
    yield JSON.stringify(value);
    return;
  }
  for (let i = 0; i < value.length; i += MEMBERS) {
    const part = JSON.stringify(value.slice(i, i + MEMBERS)).slice(1, -1);
    yield i === 0 ? `[${part}` : `,${part}`;
  }
  yield "]";
}
