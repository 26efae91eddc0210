// socket-words.ts — what went wrong with a connection, in words that fit behind a port.

export const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ECONNRESET: "reset",
  EPIPE: "reset",
  EADDRNOTAVAIL: "the source address is not this node's",
};

/** This process, or its kernel, has no room for one more connection. */
const NO_ROOM: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** Whether the error is this node's own, and says nothing about the server. */
export const isOwnTrouble = (error: NodeJS.ErrnoException): boolean =>
  NO_ROOM.has(error.code ?? "");

/** `refused`, or the error's own code or message. */
export const describeError = (error: NodeJS.ErrnoException): string =>
  WORDS[error.code ?? ""] ?? error.code ?? error.message;
