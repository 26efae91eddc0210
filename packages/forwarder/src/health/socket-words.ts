// socket-words.ts — what went wrong with a connection, in words that fit behind a port.

export const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ECONNRESET: "reset",
  EPIPE: "reset",
  EADDRNOTAVAIL: "the source address is not this node's",
};

/** `refused`, or the error's own code or message. */
export const describeError = (error: NodeJS.ErrnoException): string =>
  WORDS[error.code ?? ""] ?? error.code ?? error.message;
