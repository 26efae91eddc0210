import assert from "node:assert/strict";
import { test } from "node:test";
import { millis } from "@lbpair/common";
import { decodeMemory, encodeMemory, type Memory, type Moment } from "./memory.js";

const writtenAt: Moment = { bootId: "boot-1", now: millis(50_000), wallMs: 1_000_000_000_000 };
const later = (ms: number, bootId = "boot-1"): Moment => ({
  bootId,
  now: millis(bootId === "boot-1" ? 50_000 + ms : 700),
  wallMs: writtenAt.wallMs + ms,
});
const state = {
  health: "unhealthy" as const,
  reason: "closed: 12000 refused",
  since: millis(20_000),
  checkedAt: millis(49_000),
  count: 1,
};
const memory: Memory = {
  serial: 12,
  hash: "00ff",
  servers: new Map([
    [
      "VNA/PrimaryCluster",
      { state, address: "192.168.100.110", port: 0, lastStart: millis(48_500) },
    ],
  ]),
  inherited: new Map([
    ["VNA/PrimaryCluster", { ...state, health: "healthy" as const, checkedAt: null }],
  ]),
};
const written = encodeMemory(memory, writtenAt);

const decoded = (content: string, moment: Moment): Memory => {
  const result = decodeMemory(content, moment);
  assert(result.ok, result.ok ? "" : result.reason);
  return result.memory;
};

test("a memory read in the same boot is the memory written, on the same clock", () => {
  assert.deepEqual(decoded(written, later(7000)), memory);
});

test("across a reboot ages go on by the wall clock, and no timetable is taken over", () => {
  const [server] = decoded(written, later(90_000, "boot-2")).servers.values();
  assert.equal(server?.lastStart, null);
  // 30 s old when written, 90 s ago; this boot is 0.7 s old.
  assert.equal(server?.state.since, 700 - 120_000);
  assert.deepEqual([server?.state.health, server?.state.count], ["unhealthy", 1]);
});

test("a wall clock that went back makes nothing younger than it was", () => {
  const [server] = decoded(written, later(-5_000_000, "boot-2")).servers.values();
  assert.equal(server?.state.since, 700 - 30_000);
});

test("a file that is not as it was written is not believed, and the reason says where", () => {
  const spoil = (change: (content: string) => string): string => {
    const result = decodeMemory(change(written), later(0));
    return result.ok ? "believed" : result.reason;
  };
  assert.match(
    spoil((s) => s.slice(0, s.length / 2)),
    /JSON/,
  );
  assert.match(
    spoil(() => ""),
    /JSON/,
  );
  assert.match(
    spoil(() => "[]"),
    /file: want an object/,
  );
  assert.match(
    spoil((s) => s.replace('"format": 1', '"format": 2')),
    /format: want 1/,
  );
  assert.match(
    spoil((s) => s.replace('"unhealthy"', '"poorly"')),
    /PrimaryCluster\.health: want/,
  );
  assert.match(
    spoil((s) => s.replace(/"count": 1/, '"count": -1')),
    /count: want a number/,
  );
  assert.match(
    spoil((s) => s.replace(/"turnedAgeMs": 30000/, '"turnedAgeMs": "x"')),
    /turnedAgeMs/,
  );
  assert.match(
    spoil((s) => s.replace(/"servers": {/, '"serverz": {')),
    /servers: want an object/,
  );
});

test("a reason of any length leaves the memory readable", () => {
  const wordy = { ...state, reason: "x".repeat(5000) };
  const server = { state: wordy, address: "192.168.100.110", port: 0, lastStart: null };
  const content = encodeMemory(
    { ...memory, servers: new Map([["VNA/PrimaryCluster", server]]) },
    writtenAt,
  );
  const [read] = decoded(content, later(0)).servers.values();
  assert.equal(read?.state.health, "unhealthy");
  assert.equal(read?.state.reason.length, 1000);
});
