// ssh-account.ts — an appliance's own accounts and SSH server: one key, one forced command, nothing else.
import { chmod, chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mustRun, type Run } from "@lbpair/common";
import { SYNC_USER } from "./settings.js";

/** User and group of the account; the lab's own, of no meaning outside. */
export const SYNC_UID = 6694;

export interface SshFolder {
  readonly folder: string;
  readonly config: string;
  readonly hostKey: string;
  readonly authorizedKeys: string;
}

export const sshFolder = (applianceFolder: string): SshFolder => {
  const folder = join(applianceFolder, "ssh");
  return {
    folder,
    config: join(folder, "sshd_config"),
    hostKey: join(folder, "host_key"),
    authorizedKeys: join(folder, "authorized_keys"),
  };
};

/** The public half of a key, as `ssh-ed25519 AAAA…`. */
export async function publicKey(privateKeyFile: string): Promise<string> {
  const [type = "", key = ""] = (await readFile(`${privateKeyFile}.pub`, "utf8")).split(" ");
  return `${type} ${key.trim()}`;
}

export async function makeKey(run: Run, file: string, comment: string): Promise<void> {
  await mustRun(run, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file]);
}

const sshdConfig = (ssh: SshFolder): string =>
  [
    "Port 22",
    `HostKey ${ssh.hostKey}`,
    `AuthorizedKeysFile ${ssh.authorizedKeys}`,
    `AllowUsers ${SYNC_USER}`,
    "AuthenticationMethods publickey",
    "UsePAM no",
    "PidFile none",
    "LogLevel VERBOSE",
    // The lab lies below a folder that everybody may write to; the files themselves are root's.
    "StrictModes no",
    "",
  ].join("\n");

/**
 * What `ip netns exec` lays over /etc inside the appliance: accounts that exist nowhere else, so
 * that the lab adds none to the machine.
 */
export async function writeAccounts(netnsEtc: string, home: string): Promise<void> {
  const [passwd, group] = await Promise.all([
    readFile("/etc/passwd", "utf8"),
    readFile("/etc/group", "utf8"),
  ]);
  const others = (text: string): string =>
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith(`${SYNC_USER}:`))
      .join("\n");
  const names = others(passwd)
    .split("\n")
    .map((line) => line.split(":")[0]);
  await mkdir(netnsEtc, { recursive: true });
  await mkdir(home, { recursive: true });
  const account = `${SYNC_USER}:x:${SYNC_UID}:${SYNC_UID}::${home}:/bin/sh`;
  await writeFile(join(netnsEtc, "passwd"), `${others(passwd)}\n${account}\n`);
  await writeFile(join(netnsEtc, "group"), `${others(group)}\n${SYNC_USER}:x:${SYNC_UID}:\n`);
  const shadow = [...names, SYNC_USER].map((name) => `${name}:*:19000:0:99999:7:::`);
  await writeFile(join(netnsEtc, "shadow"), `${shadow.join("\n")}\n`, { mode: 0o600 });
}

/** Host key and server configuration; the peer is admitted later, by `admitPeer`. */
export async function writeSshServer(run: Run, ssh: SshFolder, name: string): Promise<void> {
  await mkdir(ssh.folder, { recursive: true });
  await makeKey(run, ssh.hostKey, `${name} host key`);
  await writeFile(ssh.config, sshdConfig(ssh));
}

/** Lets the peer's key run the one command, with everything else switched off. */
export async function admitPeer(
  ssh: SshFolder,
  peerKey: string,
  command: readonly string[],
): Promise<void> {
  const words = command.join(" ");
  if (words.includes('"')) throw new Error(`forced command: want no quotes, got ${words}`);
  await writeFile(ssh.authorizedKeys, `restrict,command="${words}" ${peerKey}\n`);
}

/** The folder of sockets: the account may pass through, and what is made inside carries its group. */
export async function prepareRunFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chown(folder, 0, SYNC_UID);
  await chmod(folder, 0o2750);
}
