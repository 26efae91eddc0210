import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import ssh2 from "ssh2";
import {
  authorizedKeysLine,
  installReceiveCommand,
  makeKeyPair,
  receiveCommand,
} from "./accounts.js";
import { findGroup } from "./receive-group.js";
import { readHostKey } from "./ssh-remote.js";

test("a made key is an ed25519 pair that belongs together", () => {
  const pair = makeKeyPair("test");
  const parsed = ssh2.utils.parseKey(pair.privateKey);
  assert.ok(!(parsed instanceof Error));
  assert.equal(parsed.getPublicSSH().toString("base64"), pair.publicKey.split(" ")[1]);
});

test("every made key can be read: of 1500 pairs none begins with the zero that ssh2 drops", () => {
  const unread = Array.from({ length: 1500 }, () => makeKeyPair("x")).filter(
    ({ privateKey }) => ssh2.utils.parseKey(privateKey) instanceof Error,
  );
  assert.equal(unread.length, 0);
});

test("the account's line restricts everything and forces one command", () => {
  const command = receiveCommand({ node: "/usr/bin/node", main: "/x/main.js", run: "/run/lbpair" });
  assert.equal(
    authorizedKeysLine("ssh-ed25519 AAAA lb2\n", command),
    'restrict,command="/usr/bin/node /x/main.js receive --run /run/lbpair" ssh-ed25519 AAAA lb2\n',
  );
  assert.throws(() => authorizedKeysLine("k", ['a"; sh #']), /without blanks and quotes/);
});

test("a pinned host key is read with or without a host's name before it, and nonsense is said", () => {
  const { publicKey } = makeKeyPair("x");
  const [type, key] = publicKey.split(" ");
  for (const line of [publicKey, `192.0.2.1 ${publicKey}`, `${type} ${key}\n`]) {
    assert.equal(readHostKey(line).key.toString("base64"), key);
  }
  assert.throws(() => readHostKey("ssh-ed25519"), /peer-host-key: want one line/);
});

test("the copied command runs alone and refuses what is no word of replication", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rep-receive-"));
  try {
    const main = await installReceiveCommand(folder);
    for (const [word, code] of [
      ["", 64],
      ["id", 64],
      ["hello", 69],
    ] as const) {
      assert.throws(
        () =>
          execFileSync(process.execPath, [main, "receive", "--run", folder], {
            env: { SSH_ORIGINAL_COMMAND: word },
            stdio: "pipe",
          }),
        (error: Error & { status?: number }) => error.status === code,
        word,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a group is found by name or number, and one that is missing is missing", async () => {
  assert.equal(await findGroup("root"), 0);
  assert.equal(await findGroup("1234"), 1234);
  assert.equal(await findGroup("no-such-group"), undefined);
});
