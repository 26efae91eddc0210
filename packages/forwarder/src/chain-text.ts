// chain-text.ts — how nft's language writes a chain.

/** A chain's lines, between its braces. */
export const chain = (name: string, lines: readonly string[]): string[] => [
  `chain ${name} {`,
  ...lines.map((line) => ` ${line}`),
  "}",
];
