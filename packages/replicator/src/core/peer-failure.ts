// peer-failure.ts — why the peer could not be asked, in words that tell a person what to mend.

export type PeerFailureKind =
  | "refused"
  | "wrong-host-key"
  | "authentication"
  | "timeout"
  | "unreachable"
  | "closed"
  | "not-running"
  | "not-understood";

/** The peer was not reached, or did not answer as a replicator does; nothing is known to have changed. */
export class PeerFailureError extends Error {
  readonly kind: PeerFailureKind;
  constructor(kind: PeerFailureKind, message: string) {
    super(message);
    this.name = "PeerFailureError";
    this.kind = kind;
  }
}

/** What ssh2 tells of an error: `level` is the layer that failed, `code` the system's word. */
export interface SshErrorFacts {
  readonly level?: string | undefined;
  readonly code?: string | undefined;
  readonly message: string;
}

const SOCKET_KINDS: Readonly<Record<string, PeerFailureKind>> = {
  ECONNREFUSED: "refused",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
};

/** `where` is `address:port`. A host key of another kind than the pinned one is a wrong key too. */
export function classifySshError(
  facts: SshErrorFacts,
  where: string,
  hostKeyDiffers: boolean,
): PeerFailureError {
  const { level, code, message } = facts;
  if (hostKeyDiffers || /no matching host key/i.test(message)) {
    return new PeerFailureError(
      "wrong-host-key",
      `${where}: the SSH server shows another host key than the pinned one (secrets/peer-host-key): not talking to it`,
    );
  }
  if (level === "client-authentication") {
    return new PeerFailureError(
      "authentication",
      `${where}: the SSH server does not accept secrets/replication.key for this account`,
    );
  }
  if (level === "client-timeout") {
    return new PeerFailureError("timeout", `${where}: no SSH connection in time`);
  }
  const kind = SOCKET_KINDS[code ?? ""];
  if (kind === "refused") {
    return new PeerFailureError(kind, `${where}: connection refused, no SSH server listens there`);
  }
  if (kind === "timeout") return new PeerFailureError(kind, `${where}: no answer in time`);
  if (kind === "unreachable") {
    return new PeerFailureError(kind, `${where}: cannot be reached from here (${code})`);
  }
  return new PeerFailureError("closed", `${where}: the SSH connection broke (${message})`);
}
