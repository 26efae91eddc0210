#!/usr/bin/env node
// setup.mjs — writes both appliances' files and keys, once; the appliances wait for it.
import { access, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "@lbpair/common";
import {
  APPLIANCES,
  admitPeer,
  applianceFolder,
  appliancePathsIn,
  DEFAULT_SETTINGS,
  publicKey,
  sshFolder,
  writeAppliances,
} from "@lbpair/lab";

/** Each appliance's volume is mounted below it, at the same place as in the appliance itself. */
const PAIR = "/pair";
const RECEIVER = ["/usr/local/bin/lbpair-replicator", "receive", "--run", "/run/lbpair"];

const doneFile = (name) => join(applianceFolder(PAIR, name), "setup-done");
const isDone = async (name) => {
  try {
    await access(doneFile(name));
    return true;
  } catch {
    return false;
  }
};

const done = await Promise.all(APPLIANCES.map(isDone));
if (done.every(Boolean)) {
  console.log("both appliances have their files");
  process.exit(0);
}
// One of two would be an appliance whose peer does not know its keys.
if (done.some(Boolean)) throw new Error("setup: one appliance's volume is new, the other is not");
for (const name of APPLIANCES) {
  const folder = applianceFolder(PAIR, name);
  await mkdir(folder, { recursive: true });
  // Half a setup that was broken off.
  for (const entry of await readdir(folder)) await rm(join(folder, entry), { recursive: true });
}
await writeAppliances(runCommand, PAIR, APPLIANCES, DEFAULT_SETTINGS);
for (const name of APPLIANCES) {
  const peer = name === "lb1" ? "lb2" : "lb1";
  const peerKey = await publicKey(appliancePathsIn(PAIR, peer).replicationKeyFile);
  await admitPeer(sshFolder(applianceFolder(PAIR, name)), peerKey, RECEIVER);
}
for (const name of APPLIANCES) await writeFile(doneFile(name), "");
console.log("wrote both appliances' files and keys");
