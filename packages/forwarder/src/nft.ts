// nft.ts — adapter: the kernel's table through the nft command, one transaction per change.
import { mustRun, type Run } from "@lbpair/common";
import { changesText, type ElementChanges, type Elements, elementsText } from "./elements.js";
import { type PresentTable, parseTable } from "./present-table.js";
import { type RuleOptions, rulesText, tableName, versionChain } from "./rules.js";

/** Loading 200,000 ports with their servers takes seconds, not minutes. */
const NFT_TIMEOUT_MS = 60_000;
/** A listing of the largest configuration that is accepted. */
const LISTING_BYTES_MAX = 512 * 1024 * 1024;

export interface NftTable {
  /** The table as it is now; null where there is none. */
  read(): Promise<PresentTable | null>;
  /** Whether the rules are of this version; their elements can then be changed one by one. */
  knows(present: PresentTable): boolean;
  /** Replaces rules and elements, whatever was there, in one transaction. */
  load(wanted: Elements): Promise<void>;
  change(changes: ElementChanges): Promise<void>;
  /** One set or map as nft's JSON. */
  listSet(kind: "set" | "map", set: string): Promise<string>;
  /** Applies statements about elements that are no configuration: cuts, pins. */
  add(statements: string): Promise<void>;
  /** Whether the process id is that of an nft that this adapter ran lately. */
  isOwn(pid: number): boolean;
}

const OWN_PIDS_MAX = 64;

export function createNftTable(run: Run, options: RuleOptions): NftTable {
  const name = tableName(options.family);
  const version = versionChain(options);
  const ownPids: number[] = [];
  const apply = async (input: string): Promise<void> => {
    if (input === "") return;
    const result = await mustRun(run, ["nft", "-f", "-"], { input, timeoutMs: NFT_TIMEOUT_MS });
    if (result.pid === undefined) return;
    ownPids.push(result.pid);
    if (ownPids.length > OWN_PIDS_MAX) ownPids.shift();
  };
  return {
    async read() {
      const result = await run(["nft", "-j", "list", "table", ...name.split(" ")], {
        timeoutMs: NFT_TIMEOUT_MS,
        outputBytesMax: LISTING_BYTES_MAX,
      });
      if (result.code === 0) return parseTable(result.stdout);
      if (result.stderr.includes("No such file or directory")) return null;
      await mustRun(() => Promise.resolve(result), result.argv);
      return null;
    },
    async listSet(kind, set) {
      const argv = ["nft", "-j", "list", kind, ...name.split(" "), set];
      const options = { timeoutMs: NFT_TIMEOUT_MS, outputBytesMax: LISTING_BYTES_MAX };
      return (await mustRun(run, argv, options)).stdout;
    },
    knows: (present) => present.chains.has(version),
    load: (wanted) => apply(rulesText(options) + elementsText(options.family, wanted)),
    change: (changes) => apply(changesText(options.family, changes)),
    add: apply,
    isOwn: (pid) => ownPids.includes(pid),
  };
}
