// conntrack.ts — adapter: the kernel's connection table through the conntrack command.
import { CommandError, type Family, type Run } from "@lbpair/common";
import { type Flow, parseFlow } from "./flow.js";

const CONNTRACK_TIMEOUT_MS = 30_000;
/**
 * `conntrack -D` gives up where an entry that it listed ended by itself before it could delete it,
 * and leaves the rest; it is asked again.
 */
const DELETE_ROUNDS_MAX = 50;
const VANISHED = "such conntrack doesn't exist";
/** A million entries of a listing. */
const LISTING_BYTES_MAX = 256 * 1024 * 1024;

export interface ConnectionTable {
  /** TCP and UDP flows to or from the given virtual addresses, whichever side began them. */
  list(vips: ReadonlySet<string>): Promise<Flow[]>;
  /** The same, only those of one server address. */
  listServer(server: string, vips: ReadonlySet<string>): Promise<Flow[]>;
  /**
   * Deletes the entries of a server's flows through one VIP: those begun by clients are found by
   * reply source, those picked up from the server's side have the server as original source. With
   * ports only the flows of that one port: another service may share server and VIP.
   */
  deleteServer(
    server: string,
    vip: string,
    protocol?: "tcp" | "udp",
    ports?: { readonly vipPort: number; readonly serverPort: number },
  ): Promise<void>;
  /** Deletes the entries of one client's flows to one port of a VIP, as far as they go to that server. */
  deleteClient(
    flow: Pick<Flow, "client" | "vip" | "vipPort" | "server" | "protocol">,
  ): Promise<void>;
  /** Deletes every entry that has the VIP on either side. */
  deleteVip(vip: string): Promise<void>;
  /** Deletes entries made while the table's rules were away: to a VIP, or by a server, untranslated. */
  deleteUntranslated(vips: readonly string[], servers: readonly string[]): Promise<void>;
}

const ENTRY = /src=(\S+) dst=(\S+) .*?src=(\S+) dst=(\S+)/;

/** Whom entries go to without a translated destination, and from whom they come without a source's. */
function untranslated(listing: string): { readonly to: Set<string>; readonly from: Set<string> } {
  const to = new Set<string>();
  const from = new Set<string>();
  for (const line of listing.split("\n")) {
    const [, source = "", destination = "", replySource, replyDestination] = ENTRY.exec(line) ?? [];
    if (destination === replySource) to.add(destination);
    if (source === replyDestination) from.add(source);
  }
  return { to, from };
}

export function createConnectionTable(run: Run, family: Family): ConnectionTable {
  const familyName = family === 4 ? "ipv4" : "ipv6";
  const conntrack = async (verb: "-L" | "-D", args: readonly string[]): Promise<string> => {
    const ask = () =>
      run(["conntrack", verb, "-f", familyName, ...args], {
        timeoutMs: CONNTRACK_TIMEOUT_MS,
        outputBytesMax: LISTING_BYTES_MAX,
      });
    let result = await ask();
    for (let round = 1; round < DELETE_ROUNDS_MAX && verb === "-D"; round += 1) {
      if (result.code === 0 || !result.stderr.includes(VANISHED)) break;
      result = await ask();
    }
    // Deleting what is not there exits with 1 and says how many it deleted: none.
    const nothing = verb === "-D" && result.stderr.includes("0 flow entries");
    if (result.code !== 0 && !nothing) throw new CommandError(result);
    return result.stdout;
  };
  const parse = (text: string, vips: ReadonlySet<string>): Flow[] =>
    text.split("\n").flatMap((line) => parseFlow(line, vips) ?? []);
  const protocolArgs = (protocol: "tcp" | "udp" | undefined): string[] =>
    protocol === undefined ? [] : ["-p", protocol];
  return {
    list: async (vips) => parse(await conntrack("-L", []), vips),
    async listServer(server, vips) {
      const begunByClient = await conntrack("-L", ["--reply-src", server]);
      const begunByServer = await conntrack("-L", ["--orig-src", server]);
      return parse(`${begunByClient}\n${begunByServer}`, vips).filter(
        (flow) => flow.server === server,
      );
    },
    async deleteServer(server, vip, protocol, ports) {
      const of = protocolArgs(protocol);
      const [vipPort, serverPort] = [`${ports?.vipPort}`, `${ports?.serverPort}`];
      const byClient = ["--orig-port-dst", vipPort, "--reply-port-src", serverPort];
      const byServer = ["--orig-port-src", serverPort, "--reply-port-dst", vipPort];
      const narrow = (words: string[]) => (ports === undefined ? [] : words);
      const client = ["--reply-src", server, "--orig-dst", vip, ...narrow(byClient)];
      const begun = ["--orig-src", server, "--reply-dst", vip, ...narrow(byServer)];
      await conntrack("-D", [...of, ...client]);
      await conntrack("-D", [...of, ...begun]);
    },
    async deleteClient({ client, vip, vipPort, server, protocol }) {
      const of = protocolArgs(protocol);
      const begun = ["--orig-src", client, "--orig-dst", vip, "--orig-port-dst", `${vipPort}`];
      await conntrack("-D", [...of, ...begun, "--reply-src", server]);
      const byServer = ["--orig-src", server, "--reply-dst", vip, "--reply-src", client];
      await conntrack("-D", [...of, ...byServer, "--reply-port-dst", `${vipPort}`]);
    },
    async deleteVip(vip) {
      await conntrack("-D", ["--orig-dst", vip]);
      await conntrack("-D", ["--reply-dst", vip]);
    },
    async deleteUntranslated(vips, servers) {
      // One listing instead of a look for each of thousands of addresses, few of which have any.
      const met = untranslated(await conntrack("-L", []));
      for (const vip of vips) {
        if (met.to.has(vip)) await conntrack("-D", ["--orig-dst", vip, "--reply-src", vip]);
      }
      for (const server of servers) {
        if (!met.from.has(server)) continue;
        await conntrack("-D", ["--orig-src", server, "--reply-dst", server]);
      }
    },
  };
}
