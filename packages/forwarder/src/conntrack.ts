// conntrack.ts — adapter: the kernel's connection table through the conntrack command.
import { CommandError, type Family, type Run } from "@lbpair/common";
import { type Flow, parseFlow } from "./flow.js";

const CONNTRACK_TIMEOUT_MS = 30_000;
/** A million entries of a listing. */
const LISTING_BYTES_MAX = 256 * 1024 * 1024;

export interface ConnectionTable {
  /** TCP and UDP flows to or from the given virtual addresses, whichever side began them. */
  list(vips: ReadonlySet<string>): Promise<Flow[]>;
  /** The same, only those of one server address. */
  listServer(server: string, vips: ReadonlySet<string>): Promise<Flow[]>;
  /**
   * Deletes the entries of a server's flows through one VIP: those begun by clients are found by
   * reply source, those picked up from the server's side have the server as original source.
   */
  deleteServer(server: string, vip: string, protocol?: "tcp" | "udp"): Promise<void>;
  /** Deletes every entry that has the VIP on either side. */
  deleteVip(vip: string): Promise<void>;
  /** Deletes entries made while the table's rules were away: to a VIP, or by a server, untranslated. */
  deleteUntranslated(vips: readonly string[], servers: readonly string[]): Promise<void>;
}

export function createConnectionTable(run: Run, family: Family): ConnectionTable {
  const familyName = family === 4 ? "ipv4" : "ipv6";
  const conntrack = async (verb: "-L" | "-D", args: readonly string[]): Promise<string> => {
    const result = await run(["conntrack", verb, "-f", familyName, ...args], {
      timeoutMs: CONNTRACK_TIMEOUT_MS,
      outputBytesMax: LISTING_BYTES_MAX,
    });
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
    async deleteServer(server, vip, protocol) {
      const of = protocolArgs(protocol);
      await conntrack("-D", [...of, "--reply-src", server, "--orig-dst", vip]);
      await conntrack("-D", [...of, "--orig-src", server, "--reply-dst", vip]);
    },
    async deleteVip(vip) {
      await conntrack("-D", ["--orig-dst", vip]);
      await conntrack("-D", ["--reply-dst", vip]);
    },
    async deleteUntranslated(vips, servers) {
      for (const vip of vips) await conntrack("-D", ["--orig-dst", vip, "--reply-src", vip]);
      for (const server of servers) {
        await conntrack("-D", ["--orig-src", server, "--reply-dst", server]);
      }
    },
  };
}
