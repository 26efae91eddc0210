// nft.ts — adapter: the kernel's table through the nft command, one transaction per change.
import { CommandError, mustRun, type Run, type RunOptions } from "@lbpair/common";
import { changesText, type ElementChanges, type Elements, elementsText } from "./elements.js";
import { type OnElement, type PresentTable, TableListing } from "./present-table.js";
import { type RuleOptions, rulesText, tableName, versionChain } from "./rules.js";

/** Loading 200,000 ports with their servers takes seconds, not minutes. */
const NFT_TIMEOUT_MS = 60_000;
/** A listing of pins or of ports used anew. */
const LISTING_BYTES_MAX = 512 * 1024 * 1024;

export interface NftTable {
  /** The table as it is now, its elements one by one as they are listed; null where there is none. */
  list(onElement: OnElement): Promise<PresentTable | null>;
  /** The same without elements: quick however many there are. */
  listRules(): Promise<PresentTable | null>;
  /** Whether the rules are of this version; their elements can then be changed one by one. */
  knows(present: PresentTable): boolean;
  /** Replaces rules and elements, whatever was there, in one transaction. */
  load(parts: Iterable<Elements>): Promise<void>;
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
  const transact = async (input: Pick<RunOptions, "input" | "inputParts">): Promise<void> => {
    // The monitor tells of a change before the command that made it has ended.
    const onStart = (pid: number) => {
      ownPids.push(pid);
      if (ownPids.length > OWN_PIDS_MAX) ownPids.shift();
    };
    await mustRun(run, ["nft", "-f", "-"], { ...input, timeoutMs: NFT_TIMEOUT_MS, onStart });
  };
  const apply = async (input: string): Promise<void> => {
    if (input !== "") await transact({ input });
  };
  const list = async (flags: string[], onElement: OnElement): Promise<PresentTable | null> => {
    const listing = new TableListing(onElement);
    const result = await run(["nft", ...flags, "list", "table", ...name.split(" ")], {
      timeoutMs: NFT_TIMEOUT_MS,
      onOutput: (text) => listing.push(text),
    });
    if (result.code === 0) return listing.end();
    if (result.stderr.includes("No such file or directory")) return null;
    throw new CommandError(result);
  };
  function* loading(parts: Iterable<Elements>): Generator<string> {
    yield rulesText(options);
    for (const part of parts) yield elementsText(options.family, part);
  }
  return {
    list: (onElement) => list([], onElement),
    listRules: () => list(["-t"], () => undefined),
    async listSet(kind, set) {
      const argv = ["nft", "-j", "list", kind, ...name.split(" "), set];
      const options = { timeoutMs: NFT_TIMEOUT_MS, outputBytesMax: LISTING_BYTES_MAX };
      return (await mustRun(run, argv, options)).stdout;
    },
    knows: (present) => present.chains.has(version),
    load: (parts) => transact({ inputParts: loading(parts) }),
    change: (changes) => apply(changesText(options.family, changes)),
    add: apply,
    isOwn: (pid) => ownPids.includes(pid),
  };
}
