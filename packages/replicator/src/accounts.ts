// accounts.ts — what an appliance needs so that its peer may hand over configuration and do nothing else.
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ssh2 from "ssh2";

/** The account that the peer's key logs in to; has no password and owns nothing. */
export const RECEIVE_USER = "lbpair-sync";

export interface KeyPair {
  /** OpenSSH form, for secrets/replication.key (0600). */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA… comment`. */
  readonly publicKey: string;
}

/**
 * ssh2 drops a leading zero byte of the public key, so that one pair in 256 can be read by nobody,
 * itself included.
 */
export function makeKeyPair(comment: string): KeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    const readable = !(ssh2.utils.parseKey(pair.private) instanceof Error);
    if (readable) return { privateKey: pair.private, publicKey: pair.public };
  }
}

/** Text inside the double quotes of an authorized_keys option; sshd knows only the escaped quote. */
function quoted(words: readonly string[]): string {
  for (const word of words) {
    if (!/^[A-Za-z0-9_./:=@%+,-]+$/.test(word)) {
      throw new Error(
        `forced command: want words without blanks and quotes, got ${JSON.stringify(word)}`,
      );
    }
  }
  return `"${words.join(" ")}"`;
}

/** The forced command; `main` is this package's main.js or a copy by `installReceiveCommand`. */
export const receiveCommand = (options: {
  readonly node: string;
  readonly main: string;
  readonly run: string;
}): string[] => [options.node, options.main, "receive", "--run", options.run];

/** The one line of the account's authorized_keys: `restrict` takes terminal, forwarding and the rest away. */
export const authorizedKeysLine = (publicKey: string, command: readonly string[]): string =>
  `restrict,command=${quoted(command)} ${publicKey.trim()}\n`;

/**
 * Copies the forced command alone into a folder that the account may read, where the rest of lbpair
 * lies in somebody's home. Returns the path of its main.js.
 */
export async function installReceiveCommand(folder: string): Promise<string> {
  const dist = dirname(fileURLToPath(import.meta.url));
  await mkdir(join(folder, "core"), { recursive: true, mode: 0o755 });
  for (const name of ["main.js", "receive.js", "core/verbs.js"]) {
    await copyFile(join(dist, name), join(folder, name));
  }
  await writeFile(join(folder, "package.json"), '{ "type": "module" }\n');
  return join(folder, "main.js");
}
