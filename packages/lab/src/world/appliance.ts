// appliance.ts — one appliance of the lab as a thing that runs, suffers and reboots.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AppliancePaths, controlRequest, type Daemon, type Run } from "@lbpair/common";
import { applianceFolder, appliancePathsIn } from "./appliance-files.js";
import { endProcess, startInNamespace } from "./namespaced-process.js";
import { destroyNamespace, recreateHost } from "./network.js";
import { type ApplianceName, namespaceOf } from "./plan.js";
import { admitPeer, prepareRunFolder, sshFolder, writeAccounts } from "./ssh-account.js";
import { createSupervisor, DAEMONS, type Supervisor } from "./supervisor.js";

export interface Appliance extends Supervisor {
  readonly name: ApplianceName;
  readonly namespace: string;
  readonly paths: AppliancePaths;
  readonly logFolder: string;
  /** Starts sshd and all daemons. */
  powerOn(): Promise<void>;
  /** Every process gone and the kernel's state with it, as when power fails; the cables end in nothing. */
  powerOff(): Promise<void>;
  /** powerOff, a new kernel state, powerOn: /run is empty, /etc and /var are as they were. */
  reboot(): Promise<void>;
  /** Asks a daemon over its control socket. */
  ask(daemon: Daemon, route: string, body?: unknown, timeoutMs?: number): Promise<unknown>;
}

const CHECKOUT = fileURLToPath(new URL("../../../..", import.meta.url));

/** Where the account of the forced command finds the programs, whoever may enter the checkout's own path. */
const programsIn = (labFolder: string) => ({
  checkout: join(labFolder, "programs", "lbpair"),
  node: join(labFolder, "programs", "node"),
});

/** Mount points for the checkout and for node itself; filled inside each sshd's own mount namespace. */
export async function preparePrograms(labFolder: string): Promise<void> {
  const { checkout, node } = programsIn(labFolder);
  await mkdir(checkout, { recursive: true });
  await writeFile(node, "");
}

const SSHD = [
  'mount --bind "$1" "$2"',
  'mount --bind "$3" "$4"',
  "mkdir -p /run/sshd",
  'exec /usr/sbin/sshd -D -e -f "$5"',
].join(" && ");

export function createAppliance(
  run: Run,
  labId: string,
  labFolder: string,
  name: ApplianceName,
): Appliance {
  const namespace = namespaceOf(labId, name);
  const folder = applianceFolder(labFolder, name);
  const paths = appliancePathsIn(labFolder, name);
  const logFolder = join(folder, "log");
  const ssh = sshFolder(folder);
  const supervisor = createSupervisor({
    namespace,
    paths,
    logFile: (daemon) => join(logFolder, `${daemon}.log`),
  });
  let sshd: ReturnType<typeof startInNamespace> | undefined;
  const startSshd = () => {
    const { checkout, node } = programsIn(labFolder);
    const words = [CHECKOUT, checkout, process.execPath, node, ssh.config];
    sshd = startInNamespace(namespace, ["sh", "-c", SSHD, "sshd", ...words], {
      logFile: join(logFolder, "sshd.log"),
    });
  };
  const appliance: Appliance = {
    ...supervisor,
    name,
    namespace,
    paths,
    logFolder,
    async powerOn() {
      startSshd();
      for (const daemon of DAEMONS) supervisor.start(daemon);
    },
    async powerOff() {
      await supervisor.killAll();
      if (sshd !== undefined) await endProcess(sshd, "SIGKILL");
      await destroyNamespace(run, namespace);
    },
    async reboot() {
      await appliance.powerOff();
      await rm(paths.run, { recursive: true, force: true });
      await prepareRunFolder(paths.run);
      await recreateHost(run, labId, name);
      await appliance.powerOn();
    },
    ask: (daemon, route, body, timeoutMs) =>
      controlRequest(
        paths.socket(daemon),
        route,
        body,
        timeoutMs === undefined ? {} : { timeoutMs },
      ),
  };
  return appliance;
}

/** The accounts of an appliance, and the one command its peer's key may run. */
export async function prepareAccounts(
  labId: string,
  labFolder: string,
  name: ApplianceName,
  peerKey: string | undefined,
): Promise<void> {
  const folder = applianceFolder(labFolder, name);
  await writeAccounts(join("/etc/netns", namespaceOf(labId, name)), join(folder, "home"));
  const { checkout, node } = programsIn(labFolder);
  const receiver = join(checkout, "packages", "replicator", "dist", "main.js");
  const { run } = appliancePathsIn(labFolder, name);
  if (peerKey === undefined) return;
  await admitPeer(sshFolder(folder), peerKey, [node, receiver, "receive", "--run", run]);
}
