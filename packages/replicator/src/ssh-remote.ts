// ssh-remote.ts — the peer over SSH: one lasting connection, one word per request, a frame each way.
import { connect } from "node:net";
import type { ClientChannel, ServerHostKeyAlgorithm, Client as SshClient } from "ssh2";
import ssh2 from "ssh2";
import { createFrameReader, encodeFrame, type Frame } from "./core/frame.js";
import { classifySshError, PeerFailureError } from "./core/peer-failure.js";
import type { Verb } from "./core/verbs.js";

const { Client } = ssh2;

/** From the first SYN to an authenticated connection. */
export const CONNECT_MS_MAX = 2500;
export const REQUEST_MS_MAX = 15_000;
/** A silent connection is asked for a sign of life; three unanswered ones end it. */
export const KEEPALIVE_MS = 1000;
/** A living SSH server opens a channel at once; one that does not has gone, whatever TCP still hopes. */
export const CHANNEL_MS_MAX = 1500;
const STDERR_CHARACTERS_MAX = 2000;

export interface Remote {
  /** Sends one request and returns the answer's frame. Throws PeerFailureError. */
  request(
    verb: Verb,
    argument: unknown,
    body?: Uint8Array,
    options?: { readonly timeoutMs?: number },
  ): Promise<Frame>;
  close(): void;
}

export interface SshRemoteOptions {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The private key, OpenSSH form. */
  readonly privateKey: string;
  /** The one host key that is believed: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Called when a connection that was open has gone. */
  readonly onLost?: () => void;
  readonly connectMsMax?: number;
}

/** The parts of a pinned key's line; throws where it is none, which is the operator's to mend. */
export function readHostKey(line: string): { readonly type: string; readonly key: Buffer } {
  const parts = line.trim().split(/\s+/);
  const at = parts.findIndex((part) => /^(ssh|ecdsa)-/.test(part));
  const [type, text] = [parts[at], parts[at + 1]];
  if (at < 0 || type === undefined || text === undefined || !/^[A-Za-z0-9+/]+=*$/.test(text)) {
    throw new PeerFailureError(
      "wrong-host-key",
      "secrets/peer-host-key: want one line, a key's type and the key in base64, got something else",
    );
  }
  return { type, key: Buffer.from(text, "base64") };
}

/** An RSA key signs with SHA-2 (RFC 8332); the others are named like their signature. */
const keyAlgorithms = (type: string): ServerHostKeyAlgorithm[] =>
  type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type as ServerHostKeyAlgorithm];

function open(options: SshRemoteOptions): Promise<SshClient> {
  const { address, port, user, privateKey, connectMsMax = CONNECT_MS_MAX } = options;
  const where = `${address}:${port}`;
  return new Promise((resolve, reject) => {
    const pinned = readHostKey(options.hostKey);
    const client = new Client();
    let hostKeyDiffers = false;
    // Without noDelay every request costs 40 ms more.
    const sock = connect({ host: address, port, noDelay: true });
    const fail = (error: Error & { level?: string; code?: string }) => {
      clearTimeout(timer);
      sock.destroy();
      reject(classifySshError(error, where, hostKeyDiffers));
    };
    const timer = setTimeout(() => {
      fail(Object.assign(new Error("timed out"), { level: "client-timeout" }));
    }, connectMsMax);
    client.on("error", fail);
    client.on("close", () => fail(new Error("closed before it was open")));
    client.on("ready", () => {
      clearTimeout(timer);
      client.removeAllListeners("error");
      client.removeAllListeners("close");
      resolve(client);
    });
    client.connect({
      sock,
      username: user,
      privateKey,
      readyTimeout: connectMsMax,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: 3,
      authHandler: ["publickey"],
      algorithms: { serverHostKey: keyAlgorithms(pinned.type) },
      hostVerifier: (key: Buffer) => {
        hostKeyDiffers = !key.equals(pinned.key);
        return !hostKeyDiffers;
      },
    });
  });
}

/** What the far command's exit says where no answer came. 69 and 75 are sysexits.h's words. */
function explainExit(where: string, code: number | null, said: string): PeerFailureError {
  const words = said.trim().replaceAll(/\s+/g, " ");
  if (code === 69) return new PeerFailureError("not-running", `${where}: ${words}`);
  if (code === 75) return new PeerFailureError("timeout", `${where}: ${words}`);
  const how = code === null ? "the peer hung up before it answered" : `exit code ${code}`;
  return new PeerFailureError(
    code === null ? "closed" : "not-understood",
    `${where}: ${how}${words === "" ? "" : `: ${words}`}`,
  );
}

interface Exchange {
  readonly where: string;
  readonly verb: Verb;
  readonly bytes: Uint8Array;
  readonly timeoutMs: number;
}

function converse(channel: ClientChannel, exchange: Exchange): Promise<Frame> {
  const { where, verb, bytes, timeoutMs } = exchange;
  return new Promise((resolve, reject) => {
    const reader = createFrameReader("answer");
    let stderr = "";
    let code: number | null = null;
    const end = (settle: () => void) => {
      clearTimeout(timer);
      settle();
      channel.removeAllListeners("data");
      channel.resume();
      channel.close();
    };
    const timer = setTimeout(() => {
      const why = `${where}: no answer to ${verb} within ${timeoutMs} ms`;
      end(() => reject(new PeerFailureError("timeout", why)));
    }, timeoutMs);
    channel.on("data", (chunk: Buffer) => {
      const decoded = reader.add(chunk);
      if (decoded.state === "whole") end(() => resolve(decoded.frame));
      if (decoded.state === "bad") {
        const why = `${where}: answer to ${verb}: want ${decoded.want}, got ${decoded.got}`;
        end(() => reject(new PeerFailureError("not-understood", why)));
      }
    });
    channel.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString("utf8")).slice(0, STDERR_CHARACTERS_MAX);
    });
    channel.on("exit", (exitCode: number | null) => {
      code = exitCode;
    });
    channel.on("error", () => {
      // 'close' follows and says what is to be said.
    });
    channel.on("close", () => end(() => reject(explainExit(where, code, stderr))));
    channel.end(bytes);
  });
}

function openChannel(client: SshClient, verb: Verb, where: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const lost = () => {
      done(() => reject(new PeerFailureError("closed", `${where}: the SSH connection broke`)));
    };
    client.once("close", lost);
    const timer = setTimeout(() => {
      const why = `${where}: the SSH connection does not answer any more`;
      done(() => reject(new PeerFailureError("timeout", why)));
    }, CHANNEL_MS_MAX);
    const done = (settle: () => void) => {
      clearTimeout(timer);
      client.removeListener("close", lost);
      settle();
    };
    try {
      client.exec(verb, (error, channel) => {
        if (error === undefined) done(() => resolve(channel));
        else done(() => reject(new PeerFailureError("closed", `${where}: ${error.message}`)));
      });
    } catch (error) {
      // ssh2 throws at once where it knows already that the connection has gone.
      const why = error instanceof Error ? error.message : String(error);
      done(() => reject(new PeerFailureError("closed", `${where}: ${why}`)));
    }
  });
}

/** Nothing is connected until the first request; a connection that broke is made anew by the next one. */
export function createSshRemote(options: SshRemoteOptions): Remote {
  const where = `${options.address}:${options.port}`;
  let live: Promise<SshClient> | undefined;
  let closed = false;

  const connection = (): Promise<SshClient> => {
    if (live !== undefined) return live;
    const opening = open(options);
    live = opening;
    opening.then(
      (client) => {
        const gone = () => {
          if (live !== opening) return;
          live = undefined;
          if (!closed) options.onLost?.();
        };
        client.on("error", gone);
        client.on("close", gone);
        if (closed) client.end();
      },
      () => {
        if (live === opening) live = undefined;
      },
    );
    return opening;
  };

  const drop = (client: SshClient) => {
    client.destroy();
    live = undefined;
  };

  const once = async (exchange: Exchange): Promise<Frame> => {
    const client = await connection();
    try {
      return await converse(await openChannel(client, exchange.verb, where), exchange);
    } catch (error) {
      // A connection that does not answer is not worth keeping: the next request makes a new one.
      if (error instanceof PeerFailureError && error.kind === "timeout") drop(client);
      throw error;
    }
  };

  return {
    async request(verb, argument, body, { timeoutMs = REQUEST_MS_MAX } = {}) {
      const bytes = encodeFrame("request", { verb, argument }, body);
      const exchange = { where, verb, bytes, timeoutMs };
      const reused = live !== undefined;
      try {
        return await once(exchange);
      } catch (error) {
        // The old connection may have died unnoticed (a reboot of the peer). Every request may be
        // made twice, so one new connection is tried before the peer is called unreachable.
        if (!reused || !(error instanceof PeerFailureError) || error.kind !== "closed") throw error;
        return await once(exchange);
      }
    },
    close() {
      closed = true;
      live?.then((client) => client.end()).catch(() => undefined);
      live = undefined;
    },
  };
}
