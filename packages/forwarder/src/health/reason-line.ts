// reason-line.ts — what a check printed, made fit for one line on a screen.

export const REASON_CHARACTERS_MAX = 200;

const isControl = (code: number): boolean => code < 32 || (code >= 127 && code < 160);

/** The first line that holds anything, without control characters, bounded. */
export function firstLine(text: string): string {
  for (const raw of text.split(/\r?\n|\r/)) {
    const line = Array.from(raw, (c) => (isControl(c.codePointAt(0) ?? 0) ? " " : c))
      .join("")
      .trim();
    if (line === "") continue;
    const characters = Array.from(line);
    if (characters.length <= REASON_CHARACTERS_MAX) return line;
    return `${characters.slice(0, REASON_CHARACTERS_MAX - 1).join("")}…`;
  }
  return "";
}
