// times.ts — how long it takes to load many services, and to change one server among them.
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Book } from "../failover/measures.js";
import { median } from "../failover/statistics.js";
import { PORTS_OF_A_FURTHER_SERVICE, startLbpair } from "./products/lbpair.js";
import { farmsText } from "./products/rules.js";
import { createWorld, type Path, type World } from "./world.js";

export const COUNTS = [100, 1000, 10_000] as const;
const CHANGES = 10;
/** nftlb makes a chain of each service; what takes longer is not waited for. */
const NFTLB_MS_MAX = 60_000;

export const countName = (count: number): string => `${count.toLocaleString("en")} services`;

function residentMb(pid: number): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}

/** An element that is taken out of a map and put back: what the kernel needs for a change, and nft to say it. */
async function transactionMs(path: Path): Promise<number> {
  const key = `{ ${path.vip} . tcp . 80 }`;
  const words = ["get", "element", "ip", "lbpair", "services", key];
  const { stdout } = await path.node.must("nft", ...words);
  const [, id] = / : ([0-9a-f]+:[0-9a-f]+) /.exec(stdout) ?? [];
  if (id === undefined) throw new Error(`no such element: ${stdout.slice(0, 300)}`);
  const began = performance.now();
  await path.node.nft(
    `delete element ip lbpair services ${key}\nadd element ip lbpair services { ${path.vip} . tcp . 80 : ${id} }\n`,
  );
  return performance.now() - began;
}

async function timeLbpair(world: World, book: Book): Promise<void> {
  const path = await world.addPath();
  const lbpair = await startLbpair(path, world, path.servers.slice(0, 2));
  for (const count of COUNTS) {
    const name = countName(count);
    const note = (figure: string, value: number) => {
      book.note("times", name, figure, value, "ms");
    };
    await lbpair.setServices(0);
    note("load ms", await lbpair.setServices(count - 1));
    const [halts, transactions]: number[][] = [[], []];
    for (let i = 0; i < CHANGES; i += 1) {
      halts?.push(await lbpair.setMode(i % 2 === 0 ? "halt" : "online"));
      transactions?.push(await transactionMs(path));
    }
    note("one server's change ms", median(halts ?? []));
    note("one nft transaction ms", median(transactions ?? []));
    note("forwarder MB", residentMb(lbpair.pid));
    console.log(
      `lbpair, ${name}: ${book.values("times", name, "load ms").at(-1)?.toFixed(0)} ms to load`,
    );
  }
}

async function timeNftlb(world: World, book: Book): Promise<void> {
  const path = await world.addPath();
  const ports = Array.from({ length: PORTS_OF_A_FURTHER_SERVICE }, (_, i) => 12_000 + i).join(",");
  for (const count of COUNTS) {
    const farms = Array.from({ length: count }, (_, i) => {
      const last = `${i >> 8}.${i & 0xff}`;
      return { name: `f${i}`, vip: `172.20.${last}`, ports, servers: [`172.21.${last}`] };
    });
    const file = join(world.folder, "farms.json");
    await writeFile(file, farmsText(farms));
    const began = performance.now();
    const argv = ["nftlb", "-e", "-c", file];
    const result = await path.node.run(argv, { timeoutMs: NFTLB_MS_MAX });
    const { stdout } = await path.node.run(["nft", "list", "chains"]);
    const loaded = stdout.split("chain nat-").length - 1;
    if (result.code === 0 && loaded >= count) {
      book.note("times", countName(count), "nftlb's load ms", performance.now() - began, "ms");
    } else {
      const why = result.timedOut ? `not within ${NFTLB_MS_MAX / 1000} s` : `${loaded} loaded`;
      book.fail("times", "nftlb", `${countName(count)}: ${why}`);
      return;
    }
    await path.node.run(["nft", "delete", "table", "ip", "nftlb"]);
  }
}

export async function measureTimes(book: Book): Promise<void> {
  const world = await createWorld();
  try {
    await timeLbpair(world, book);
    await timeNftlb(world, book);
  } finally {
    await world.remove();
  }
}
