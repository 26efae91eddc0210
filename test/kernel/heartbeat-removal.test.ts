// heartbeat-removal.test.ts — others take addresses and links away, as DHCP clients, networkd and people do; all is back at once.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { AppliancePaths, EventRecord } from "@lbpair/common";
import { type Cable, layCable, pause, unsupported } from "./heartbeat-namespaces.js";
import {
  FLOATING,
  FLOATING_6,
  HERE,
  OneHeartbeat,
  ScriptedPeer,
  until,
  writeAppliance,
} from "./one-heartbeat.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const PATIENCE_MS = 20_000;
/** Promised; asserted with slack for a machine that is busy. */
const BACK_MS = 200;
const SLACK = 5;
const LINK = "e0";

const ip = (...args: string[]): string => execFileSync("ip", args, { encoding: "utf8" });
const OWN = [
  ["addr", "replace", `${HERE}/24`, "dev", LINK],
  ["addr", "replace", "fd00:9::1/64", "dev", LINK, "nodad"],
];
const lines = (...batch: string[][]) =>
  execFileSync("ip", ["-force", "-batch", "-"], {
    input: `${batch.map((words) => words.join(" ")).join("\n")}\n`,
  });

/** What others do to a link; the last step gives the node back what it needs to hold anything. */
const INJURIES: readonly {
  readonly what: string;
  readonly steps: readonly (string[][] | number)[];
}[] = [
  { what: "the address alone", steps: [[["addr", "del", `${FLOATING}/32`, "dev", LINK]]] },
  { what: "the IPv6 address alone", steps: [[["addr", "del", `${FLOATING_6}/128`, "dev", LINK]]] },
  {
    what: "ip addr flush, and 50 ms later the node's own are set again, as by a DHCP renewal",
    steps: [[["addr", "flush", "dev", LINK]], 50, OWN],
  },
  {
    what: "the link down, and up again 100 ms later",
    steps: [[["link", "set", LINK, "down"]], 100, [["link", "set", LINK, "up"], ...OWN]],
  },
  {
    what: "down, flushed, up and configured anew, as networkd does it",
    steps: [
      [
        ["link", "set", LINK, "down"],
        ["addr", "flush", "dev", LINK],
      ],
      30,
      [["link", "set", LINK, "up"]],
      30,
      OWN,
    ],
  },
];

describe("addresses that others remove", { skip: reason ?? false }, () => {
  let cable: Cable;
  let folder: string;
  let paths: AppliancePaths;
  let peer: ScriptedPeer;
  let daemon: OneHeartbeat;
  let sniffer: ChildProcess;
  /** When the far end saw FLOATING announced. */
  const announced: number[] = [];
  before(async () => {
    cable = layCable();
    folder = mkdtempSync(join(tmpdir(), "lbpair-removal-"));
    paths = writeAppliance(folder, [FLOATING, FLOATING_6]);
    const dump = ["tcpdump", "-l", "-n", "--immediate-mode", "-i", LINK, "arp"];
    sniffer = spawn("ip", ["netns", "exec", cable.there, ...dump], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const claim = new RegExp(`who-has ${FLOATING} .*tell ${FLOATING},|Reply ${FLOATING} is-at`);
    sniffer.stdout?.on("data", (chunk: Buffer) => {
      if (claim.test(chunk.toString())) announced.push(performance.now());
    });
    peer = await ScriptedPeer.open(cable);
    daemon = new OneHeartbeat(paths);
    assert.ok(await until(() => peer.newest?.active === true, PATIENCE_MS), daemon.output);
    assert.ok(await until(() => present(), PATIENCE_MS), "both addresses are up");
    await pause(2000);
  });
  after(async () => {
    await daemon.end("SIGKILL");
    sniffer.kill();
    peer.close();
    cable.remove();
    rmSync(folder, { recursive: true });
  });
  const present = () => {
    const text = ip("-o", "addr", "show", "dev", LINK);
    return text.includes(`${FLOATING}/32`) && text.includes(`${FLOATING_6}/128`);
  };

  for (const { what, steps } of INJURIES) {
    test(`back and announced in time: ${what}`, async () => {
      const { epoch } = await daemon.status();
      for (const step of steps) {
        if (typeof step === "number") await pause(step);
        else lines(...step);
      }
      announced.length = 0;
      const from = performance.now();
      assert.ok(await until(present, PATIENCE_MS), "never back");
      const backMs = performance.now() - from;
      assert.ok(await until(() => announced.length > 0, PATIENCE_MS), "never announced");
      const announcedMs = (announced[0] ?? Number.NaN) - from;
      console.log(`back ${backMs.toFixed(0)} ms, announced ${announcedMs.toFixed(0)} ms: ${what}`);
      assert.ok(backMs < BACK_MS * SLACK, `${backMs} ms`);
      assert.ok(announcedMs < BACK_MS * SLACK, `${announcedMs} ms`);
      await pause(1000);
      const status = await daemon.status();
      assert.deepEqual([status.phase, status.epoch], ["active", epoch], "the role stays");
      await pause(500);
    });
  }

  test("removed five times within a minute is an alarm", async () => {
    for (let i = 0; i < 5; i += 1) {
      assert.ok(await until(present, PATIENCE_MS));
      await pause(100);
      lines(["addr", "del", `${FLOATING}/32`, "dev", LINK]);
    }
    const alarmed = async () => {
      const events = (await daemon.ask("GET /events?after=0")) as EventRecord[];
      return events.some(({ level, event }) => level === "alarm" && event === "address-removed");
    };
    assert.ok(await until(alarmed, PATIENCE_MS), "an alarm");
    assert.ok(await until(present, PATIENCE_MS), "and back nevertheless");
  });
});
