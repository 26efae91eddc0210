// follow.ts — on a secondary the saved files follow what is in force; work that nobody applied is kept beside.
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readTextFile, replaceFile } from "@lbpair/common";
import { hashOf } from "./core/service-files.js";
import { readServiceFiles } from "./files-on-disk.js";
import { keepCandidate, writeCandidate } from "./kept-files.js";
import type { NodeState } from "./node-state.js";

const markerOf = (node: NodeState): string =>
  join(node.paths.daemonState("replicator"), "following");

/** Whether the saved files hold something that is in no revision of this node. */
async function holdsWork(node: NodeState): Promise<boolean> {
  const candidate = await readServiceFiles(node.paths.etc);
  if (!candidate.ok) return true;
  const { services, scripts } = candidate.value;
  if (services === "" && scripts.size === 0) return false;
  return !(await node.revisions.knownHashes()).has(hashOf(candidate.value));
}

/**
 * Makes the saved files equal to what is in force. Says in one sentence each what it kept. Several
 * files cannot change at once, so the marker of `beginFollowing` stays until all have.
 */
export async function follow(node: NodeState): Promise<string[]> {
  const { record, files } = await node.revisions.inForce();
  if (record === null) return [];
  const steps: string[] = [];
  if (await holdsWork(node)) {
    const kept = await keepCandidate(node.paths, record.serial);
    const text = `saved files that were never applied are kept as ${kept.join(" and ")}`;
    node.events.record("warn", "edit-kept", text, { serial: record.serial, kept });
    steps.push(text);
  }
  await writeCandidate(node.paths, files);
  await rm(markerOf(node), { force: true });
  return steps;
}

/** Before the swap: from here on a crash leaves the saved files to be brought up to `serial`. */
export async function beginFollowing(node: NodeState, serial: number): Promise<void> {
  const marker = markerOf(node);
  await mkdir(dirname(marker), { recursive: true });
  await replaceFile(marker, `${serial}\n`);
}

/** Called at start, before the peer can ask anything. */
export async function finishFollowing(node: NodeState): Promise<void> {
  const serial = (await readTextFile(markerOf(node)))?.trim();
  if (serial === undefined) return;
  const { record } = await node.revisions.inForce();
  // The crash came before the swap: what was in force still is, and so are the saved files.
  if (record?.serial !== Number(serial)) return rm(markerOf(node), { force: true });
  await follow(node);
  const text = `the saved files were brought up to revision ${serial}, which a crash had cut short`;
  node.events.record("info", "followed", text, { serial: Number(serial) });
}
