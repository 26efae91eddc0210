// one-heartbeat.ts — one real heartbeat daemon in a namespace, and a peer at the other end that says what a test wants.
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type AppliancePaths,
  appliancePaths,
  contentHash,
  controlRequest,
  type HeartbeatStatus,
  millis,
  revisionName,
} from "@lbpair/common";
import {
  type Advert,
  Conversation,
  encodeAdvert,
  encodeChallenge,
  NO_REVISION,
  type Received,
  WIRE_VERSION,
} from "@lbpair/heartbeat";
import { type Cable, pause } from "./heartbeat-namespaces.js";

const PORT = 6694;
export const HERE = "10.9.0.1";
export const THERE = "10.9.0.2";
export const FLOATING = "10.9.0.100";
export const FLOATING_6 = "fd00:9::100";
const KEY = randomBytes(32);
const PROGRAM = fileURLToPath(
  new URL("../../../packages/heartbeat/bin/lbpair-heartbeat.js", import.meta.url),
);
const sign = (bytes: Uint8Array) => createHmac("sha256", KEY).update(bytes).digest();
const now = () => millis(performance.now());

/** Configuration of a pair of which only the primary is real. */
export function writeAppliance(
  folder: string,
  floating: readonly string[] = [FLOATING],
): AppliancePaths {
  const paths = appliancePaths({
    etc: join(folder, "etc"),
    state: join(folder, "state"),
    run: join(folder, "run"),
  });
  for (const each of [paths.secrets, paths.run]) mkdirSync(each, { recursive: true });
  const ssh = `ssh: { address: ${THERE}, port: 22, user: nobody }`;
  const peer = `peer:\n  name: lb2\n  paths: [{ local: ${HERE}, peer: ${THERE} }]\n  ${ssh}\n`;
  writeFileSync(
    paths.applianceFile,
    `node: { name: lb1, designation: primary }\n${peer}checks: { user: nobody }\n`,
  );
  writeFileSync(paths.heartbeatKeyFile, KEY.toString("hex"), { mode: 0o600 });
  writeFileSync(paths.forwarderReadyFile, "");
  const lines = floating.map((address, i) => `  - { label: floating${i}, address: "${address}" }`);
  const services = `floatingIps:\n${lines.join("\n")}\n`;
  const files = new Map([["services.yaml", services]]);
  const id = { serial: 1, hash: contentHash(files) };
  const revision = join(paths.revisions, revisionName(id));
  mkdirSync(revision, { recursive: true });
  mkdirSync(paths.running, { recursive: true });
  writeFileSync(paths.runningServicesFile, services);
  const record = { ...id, author: "lb1", at: new Date(0).toISOString(), reason: "first" };
  writeFileSync(paths.runningRevisionFile, JSON.stringify(record));
  return paths;
}

export interface Heard {
  readonly received: Received;
  /** Milliseconds of this process's clock. */
  readonly at: number;
}

/** The secondary: it answers, echoes and claims as `saying` has it, each keepalive. */
export class ScriptedPeer {
  saying: Partial<Advert> = { ready: true };
  silent = false;
  readonly heard: Heard[] = [];
  /** Called with everything that is heard, before the next advert goes out. */
  onHeard: (advert: Advert) => void = () => undefined;
  private readonly conversation: Conversation;
  private readonly socket: Socket;
  private readonly timer: NodeJS.Timeout;

  private constructor(socket: Socket, keepaliveMs: number) {
    this.socket = socket;
    this.conversation = new Conversation({
      designation: "secondary",
      sign,
      newSession: () => randomBytes(8).toString("hex"),
      now: now(),
      deadtime: 1000,
      paths: 1,
    });
    socket.on("message", (bytes, from) => {
      const genuine = from.address === HERE && from.port === PORT;
      const received = this.conversation.receive(0, bytes, genuine, now());
      this.heard.push({ received, at: performance.now() });
      if (received.kind === "hello" || received.kind === "challenge") this.say();
      if (received.kind !== "advert") return;
      this.onHeard(received.advert);
      if (received.advert.probing) this.say();
    });
    this.timer = setInterval(() => this.say(), keepaliveMs);
  }

  static async open(cable: Cable, keepaliveMs = 200): Promise<ScriptedPeer> {
    const socket = await cable.openThere(async () => {
      const fresh = createSocket("udp4");
      await new Promise<void>((bound) => fresh.bind(PORT, THERE, bound));
      return fresh;
    });
    return new ScriptedPeer(socket, keepaliveMs);
  }

  get newest(): Advert | null {
    return this.conversation.newest;
  }

  say(): void {
    if (this.silent) return;
    const { conversation } = this;
    const { session } = conversation;
    const advert: Advert = {
      version: conversation.version,
      newest: WIRE_VERSION,
      designation: "secondary",
      active: false,
      ready: true,
      yielding: false,
      requesting: false,
      forHealth: false,
      probing: false,
      faults: 0,
      pingsLost: 0,
      latenessMs: null,
      macs: [],
      sentUs: Math.round(performance.now() * 1000),
      path: 0,
      leaseMs: 0,
      epoch: 0,
      highestEpoch: conversation.newest?.highestEpoch ?? 0,
      verdicts: NO_REVISION,
      revision: NO_REVISION,
      modes: NO_REVISION,
      wallMs: Date.now(),
      bootId: "b".repeat(32),
      ...this.saying,
      sequence: conversation.nextSequence(),
      session: session.mine,
      echo: session.accepted,
      echoCandidate: conversation.echoCandidate,
      hearing: conversation.hearing(now()),
    };
    this.socket.send(encodeAdvert(advert, sign), PORT, HERE);
    const speaker = { designation: "secondary", bootId: advert.bootId, sign } as const;
    for (const bytes of encodeChallenge(conversation, speaker, now())) {
      this.socket.send(bytes, PORT, HERE);
    }
  }

  close(): void {
    clearInterval(this.timer);
    this.socket.close();
  }
}

/** The daemon as a process of its own; it is started where this process's namespace is. */
export class OneHeartbeat {
  readonly startedAt = performance.now();
  readonly child: ChildProcess;
  /** Everything it wrote on standard output and error. */
  output = "";
  private readonly paths: AppliancePaths;

  constructor(paths: AppliancePaths, env: Readonly<Record<string, string>> = {}) {
    this.paths = paths;
    const { etc, state, run } = paths;
    const roots = ["--etc", etc, "--state", state, "--run", run];
    this.child = spawn(process.execPath, [PROGRAM, ...roots], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
  }

  status(): Promise<HeartbeatStatus> {
    return this.ask("GET /status") as Promise<HeartbeatStatus>;
  }

  ask(route: string, body?: unknown, timeoutMs = 5000): Promise<unknown> {
    return controlRequest(this.paths.socket("heartbeat"), route, body, { timeoutMs });
  }

  get exited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Ends it, politely first where `signal` says so; false where it is still there in the end. */
  async end(signal: NodeJS.Signals, patienceMs = 5000): Promise<boolean> {
    this.child.kill(signal);
    return until(() => this.exited, patienceMs);
  }
}

/** Whether something came true in time. */
export async function until(
  what: () => boolean | Promise<boolean>,
  patienceMs: number,
): Promise<boolean> {
  const end = performance.now() + patienceMs;
  for (;;) {
    if (await what()) return true;
    if (performance.now() > end) return false;
    await pause(5);
  }
}
