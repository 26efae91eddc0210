// heartbeat-start.test.ts — how soon a daemon that is started says something, and what it may skip for that.
import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { AppliancePaths } from "@lbpair/common";
import { type Cable, describeTimes, layCable, pause, unsupported } from "./heartbeat-namespaces.js";
import { OneHeartbeat, ScriptedPeer, until, writeAppliance } from "./one-heartbeat.js";

const reason = unsupported();
if (reason !== undefined) console.log(`SKIPPED: ${reason}`);
const STARTS = 5;
const PATIENCE_MS = 20_000;

describe("a heartbeat that starts", { skip: reason ?? false }, () => {
  let cable: Cable;
  let folder: string;
  let paths: AppliancePaths;
  let peer: ScriptedPeer;
  let daemon: OneHeartbeat | undefined;
  before(async () => {
    cable = layCable();
    folder = mkdtempSync(join(tmpdir(), "lbpair-start-"));
    paths = writeAppliance(folder);
    peer = await ScriptedPeer.open(cable);
  });
  afterEach(() => daemon?.end("SIGKILL"));
  after(() => {
    peer.close();
    cable.remove();
    rmSync(folder, { recursive: true });
  });
  const validated = () => join(paths.daemonState("heartbeat"), "validated.json");

  /** Milliseconds from the start of the process to its first word, and to its first sign of life. */
  async function start(): Promise<{ readonly word: number; readonly life: number }> {
    peer.heard.length = 0;
    const begun = new OneHeartbeat(paths);
    daemon = begun;
    const lived = () => peer.heard.some(({ received }) => received.kind === "advert");
    assert.ok(await until(lived, PATIENCE_MS), `no advert: ${begun.output}`);
    const at = (kind: string) => peer.heard.find(({ received }) => received.kind === kind)?.at ?? 0;
    return { word: at("hello") - begun.startedAt, life: at("advert") - begun.startedAt };
  }

  test("it says hello before it knows what the kernel holds, and needs no schema for a configuration it knows", async () => {
    const first = await start();
    assert.ok(await until(() => existsSync(validated()), PATIENCE_MS), "the validation is kept");
    await daemon?.end("SIGKILL");
    const words: number[] = [];
    const lives: number[] = [];
    for (let i = 0; i < STARTS; i += 1) {
      const { word, life } = await start();
      words.push(word);
      lives.push(life);
      await daemon?.end("SIGKILL");
    }
    console.log(
      `first start: hello ${first.word.toFixed(0)} ms, alive ${first.life.toFixed(0)} ms`,
    );
    console.log(`hello ${describeTimes(words)}; alive ${describeTimes(lives)}`);
    const fastest = Math.min(...words);
    assert.ok(fastest < first.word, "what is known need not be validated");
  });

  test("after a restart by order the new run adopts the lease, and the peer's session is met with the first word", async () => {
    await start();
    const active = async () => (await daemon?.status())?.phase === "active";
    assert.ok(await until(active, PATIENCE_MS), daemon?.output);
    const epoch = (await daemon?.status())?.epoch;
    await daemon?.ask("POST /restart");
    assert.ok(await until(() => daemon?.exited === true, PATIENCE_MS), "the first run ends");
    const { word, life } = await start();
    assert.ok(await until(active, PATIENCE_MS), daemon?.output);
    const status = await daemon?.status();
    console.log(`hello ${word.toFixed(0)} ms, alive ${life.toFixed(0)} ms: ${status?.because}`);
    assert.equal(status?.epoch, epoch, "adopted, not claimed again");
    const first = peer.heard.find(({ received }) => received.kind === "advert");
    assert.ok(first?.received.kind === "advert" && first.received.advert.active);
  });

  test("a configuration that changed by one byte is validated, and a bad one refused", async () => {
    await start();
    await daemon?.end("SIGKILL");
    const good = readFileSync(paths.runningServicesFile, "utf8");
    appendFileSync(paths.runningServicesFile, "heartbeat: { keepalive: 200ms, deadtime: 100ms }\n");
    try {
      daemon = new OneHeartbeat(paths);
      assert.ok(await until(() => daemon?.exited === true, PATIENCE_MS), "it does not start");
      assert.match(daemon.output, /deadtime/);
    } finally {
      writeFileSync(paths.runningServicesFile, good);
    }
  });

  test("what was kept and is damaged is not taken for a configuration", async () => {
    await start();
    await daemon?.end("SIGKILL");
    const kept = readFileSync(validated(), "utf8");
    writeFileSync(validated(), kept.replace('"primary"', '"secondary"'));
    await start();
    const status = await daemon?.status();
    assert.equal(status?.designation, "primary");
    await pause(10);
  });
});
