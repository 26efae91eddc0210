// replicator-account.ts — the account, keys and sshd of one appliance in a test, in its namespace only.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AppliancePaths } from "@lbpair/common";
import {
  authorizedKeysLine,
  installReceiveCommand,
  makeKeyPair,
  receiveCommand,
} from "@lbpair/replicator";
import { ip } from "./replicator-tools.js";

/** The replicator's program. */
export const MAIN = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../../packages/replicator/dist/main.js",
);
const ACCOUNT_ID = 64123;

/** A namespace with an account in a passwd of its own: the machine's is never touched. */
export function makeNamespace(namespace: string, user: string, home: string): void {
  ip("netns", "add", namespace);
  ip("-n", namespace, "link", "set", "lo", "up");
  const etc = join("/etc/netns", namespace);
  mkdirSync(etc, { recursive: true });
  const add = (name: string, line: string) => {
    const machine = readFileSync(join("/etc", name), "utf8").trimEnd();
    writeFileSync(join(etc, name), `${machine}\n${line}\n`);
  };
  add("passwd", `${user}:x:${ACCOUNT_ID}:${ACCOUNT_ID}::${home}:/bin/sh`);
  add("group", `lbpair-sync:x:${ACCOUNT_ID}:`);
  add("shadow", `${user}:*:19000:0:99999:7:::`);
}

/** Writes `sshd_config` and a host key into an appliance's folder. */
export function makeSshd(folder: string, listen: { address: string; port: number }): void {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "host_key")]);
  writeFileSync(
    join(folder, "sshd_config"),
    `ListenAddress ${listen.address}:${listen.port}
HostKey ${folder}/host_key
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile ${folder}/authorized_keys
Subsystem sftp internal-sftp
LogLevel VERBOSE
MaxStartups 50
`,
  );
}

/** The pair's SSH key and the heartbeat's, as `etc/secrets` has them. */
export function makeSecrets(paths: AppliancePaths): void {
  const pair = makeKeyPair("replication");
  writeFileSync(paths.replicationKeyFile, pair.privateKey, { mode: 0o600 });
  writeFileSync(join(dirname(paths.etc), "replication.pub"), pair.publicKey);
  writeFileSync(paths.heartbeatKeyFile, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
}

/**
 * The forced command of a host; with `record`, everything that it is given is appended to that file,
 * at the very place where SSH hands it over.
 */
async function commandOf(host: AppliancePaths, record: string | undefined): Promise<string[]> {
  // The checkout may lie in a home that the account must not enter.
  const main = await installReceiveCommand(join(dirname(host.etc), "receive"));
  const command = receiveCommand({ node: process.execPath, main, run: host.run });
  if (record === undefined) return command;
  const recorder = join(dirname(host.etc), "recorder");
  const script = `#!/bin/sh
set -e
echo "$SSH_ORIGINAL_COMMAND" >>${record}
tee -a ${record} | ${command.join(" ")}
`;
  writeFileSync(recorder, script, { mode: 0o755 });
  writeFileSync(record, "");
  execFileSync("chmod", ["666", record]);
  return [recorder];
}

/** Lets the guest's key in at the host and pins the host's key at the guest. */
export async function introduce(
  host: AppliancePaths,
  guest: AppliancePaths,
  record?: string,
): Promise<void> {
  const hostFolder = dirname(host.etc);
  const publicKey = readFileSync(join(dirname(guest.etc), "replication.pub"), "utf8");
  const line = authorizedKeysLine(publicKey, await commandOf(host, record));
  writeFileSync(join(hostFolder, "authorized_keys"), line);
  const [type, key] = readFileSync(join(hostFolder, "host_key.pub"), "utf8").split(" ");
  writeFileSync(guest.peerHostKeyFile, `${type} ${key}\n`);
}
