// network.ts — the plan as network namespaces, veth cables and bridges, by `ip` in a few batches.
import { mustRun, type Run } from "@lbpair/common";
import { HOSTS, type HostName, type HostPlan, hostPlan, NETWORKS, namespaceOf } from "./plan.js";

/** Runs `ip -batch` inside a namespace, or in the caller's where none is named. */
export async function ipBatch(
  run: Run,
  namespace: string | undefined,
  lines: readonly string[],
): Promise<void> {
  if (lines.length === 0) return;
  const inside = namespace === undefined ? [] : ["-n", namespace];
  await mustRun(run, ["ip", ...inside, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

const bridgeOf = (network: string): string => `br-${network}`;

/** The cables of one host, made inside the two namespaces: the caller's own is never touched. */
const cableLines = (labId: string, host: HostPlan): string[] =>
  host.cables.map(
    (c) =>
      `link add ${c.link} netns ${namespaceOf(labId, host.name)} address ${c.mac} type veth ` +
      `peer name ${c.port} netns ${namespaceOf(labId, "switch")}`,
  );

const portLines = (host: HostPlan): string[] =>
  host.cables.map((c) => `link set ${c.port} master ${bridgeOf(c.network)} up`);

const hostLines = (host: HostPlan): string[] => [
  "link set lo up",
  ...host.cables.flatMap((c) => [
    `addr add ${c.address}/${c.prefixLength} dev ${c.link}`,
    `link set ${c.link} up`,
  ]),
  ...host.routes.map((route) => `route add ${route.to} via ${route.via}`),
];

/** Before there are links: `default` is what a new interface starts with. */
async function setSysctls(run: Run, labId: string, host: HostPlan): Promise<void> {
  const namespace = namespaceOf(labId, host.name);
  const words = Object.entries(host.sysctls).map(([key, value]) => `${key}=${value}`);
  if (words.length === 0) return;
  await mustRun(run, ["ip", "netns", "exec", namespace, "sysctl", "-q", "-w", ...words]);
}

/** Makes every namespace and cable of a lab. */
export async function createNetwork(run: Run, labId: string): Promise<void> {
  const names: HostName[] = ["switch", ...HOSTS.map((host) => host.name)];
  await ipBatch(
    run,
    undefined,
    names.map((name) => `netns add ${namespaceOf(labId, name)}`),
  );
  await ipBatch(run, namespaceOf(labId, "switch"), [
    "link set lo up",
    ...NETWORKS.flatMap((network) => [
      `link add ${bridgeOf(network)} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link set ${bridgeOf(network)} up`,
    ]),
  ]);
  await Promise.all(HOSTS.map((host) => setSysctls(run, labId, host)));
  await ipBatch(
    run,
    undefined,
    HOSTS.flatMap((host) => cableLines(labId, host)),
  );
  await ipBatch(run, namespaceOf(labId, "switch"), HOSTS.flatMap(portLines));
  await Promise.all(
    HOSTS.map((host) => ipBatch(run, namespaceOf(labId, host.name), hostLines(host))),
  );
}

/** Makes one host anew after its namespace was deleted, which took its cables along. */
export async function recreateHost(run: Run, labId: string, name: HostName): Promise<void> {
  const host = hostPlan(name);
  await ipBatch(run, undefined, [`netns add ${namespaceOf(labId, name)}`]);
  await setSysctls(run, labId, host);
  await ipBatch(run, undefined, cableLines(labId, host));
  await ipBatch(run, namespaceOf(labId, "switch"), portLines(host));
  await ipBatch(run, namespaceOf(labId, name), hostLines(host));
}

/** Ends every process inside a namespace, and the namespace. Nothing to do where there is none. */
export async function destroyNamespace(run: Run, namespace: string): Promise<void> {
  const pids = await run(["ip", "netns", "pids", namespace]);
  if (pids.code === 0) {
    for (const pid of pids.stdout.split(/\s+/).filter((word) => word !== "")) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
  }
  await run(["ip", "netns", "delete", namespace]);
}

/** The namespaces of a lab that exist now. */
export async function labNamespaces(run: Run, prefix: string): Promise<string[]> {
  const { stdout } = await mustRun(run, ["ip", "netns", "list"]);
  return stdout
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name.startsWith(prefix));
}

export async function destroyNetwork(run: Run, labId: string): Promise<void> {
  const namespaces = await labNamespaces(run, namespaceOf(labId, "switch").replace(/switch$/, ""));
  await Promise.all(namespaces.map((namespace) => destroyNamespace(run, namespace)));
}
