// stranger.ts — a third host on the front network that sends frames of its own making, and counts what it is told.
import { mustRun, runCommand } from "@lbpair/common";
import { ADDRESSES, type ApplianceName, hostPlan, type World } from "@lbpair/lab";

export const HEARTBEAT_PORT = 6694;
const HOST = "front-watch";
const LINK = "eth1";

const macOf = (host: ApplianceName | typeof HOST): Buffer => {
  const cable = hostPlan(host).cables.find(({ network }) => network === "front");
  return Buffer.from((cable?.mac ?? "").replaceAll(":", ""), "hex");
};

const ipBytes = (address: string): number[] => address.split(".").map(Number);

/** Internet checksum (RFC 1071). */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += header.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export interface Datagram {
  readonly to: ApplianceName;
  /** Whose address it pretends to come from. */
  readonly from: string;
  readonly fromPort?: number;
  readonly toPort?: number;
  readonly payload: Buffer;
}

/** Ethernet, IPv4 and UDP around a payload; UDP's checksum is left out, as RFC 768 permits. */
export function frameOf(datagram: Datagram): Buffer {
  const { to, from, fromPort = HEARTBEAT_PORT, toPort = HEARTBEAT_PORT, payload } = datagram;
  const ethernet = Buffer.concat([macOf(to), macOf(HOST), Buffer.from([0x08, 0x00])]);
  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(28 + payload.length, 2);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(17, 9);
  ip.set(ipBytes(from), 12);
  ip.set(ipBytes(ADDRESSES.front[to]), 16);
  ip.writeUInt16BE(checksum(ip), 10);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(fromPort, 0);
  udp.writeUInt16BE(toPort, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([ethernet, ip, udp, payload]);
}

const SENDER = `
  const { openPacketSocket } = await import(process.argv[1]);
  const { readFileSync } = await import("node:fs");
  const index = Number(readFileSync("/sys/class/net/${LINK}/ifindex", "utf8"));
  const socket = openPacketSocket();
  const frames = JSON.parse(readFileSync(0, "utf8"));
  for (const [i, frame] of frames.entries()) {
    socket.send(index, Buffer.from(frame, "hex"));
    // The receivers' buffers hold some hundred datagrams.
    if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  socket.close();
`;

export async function sendFrames(world: World, datagrams: readonly Datagram[]): Promise<void> {
  const library = import.meta.resolve("@lbpair/common");
  const argv = [process.execPath, "--input-type=module", "-e", SENDER, library];
  const inside = ["ip", "netns", "exec", world.namespace(HOST)];
  const input = JSON.stringify(datagrams.map((each) => frameOf(each).toString("hex")));
  await mustRun(runCommand, [...inside, ...argv], { input, timeoutMs: 30_000 });
}

const TABLE = "lbpair_test_answers";

/** Counts what the two appliances send to the stranger: datagrams, and refusals by ICMP. */
export async function countAnswers(
  world: World,
): Promise<() => Promise<{ datagrams: number; refusals: number }>> {
  const from = `ip saddr { ${ADDRESSES.front.lb1}, ${ADDRESSES.front.lb2} }`;
  const rules = [
    `table ip ${TABLE} {`,
    " counter datagrams { }",
    " counter refusals { }",
    " chain count {",
    "  type filter hook prerouting priority -400",
    `  ${from} meta l4proto udp counter name datagrams`,
    `  ${from} icmp type destination-unreachable counter name refusals`,
    " }",
    "}",
    "",
  ].join("\n");
  const nft = ["ip", "netns", "exec", world.namespace(HOST), "nft"];
  await mustRun(runCommand, [...nft, "-f", "-"], { input: rules });
  return async () => {
    const { stdout } = await mustRun(runCommand, [...nft, "-j", "list", "counters"]);
    const { nftables } = JSON.parse(stdout) as {
      nftables: { counter?: { name: string; packets: number } }[];
    };
    const count = (name: string): number =>
      nftables.find(({ counter }) => counter?.name === name)?.counter?.packets ?? Number.NaN;
    return { datagrams: count("datagrams"), refusals: count("refusals") };
  };
}

/** Payloads of so many adverts on their way to a node, as its own link sees them. */
export async function captureAdverts(
  world: World,
  to: ApplianceName,
  count: number,
): Promise<Buffer[]> {
  const filter = `udp and dst host ${ADDRESSES.front[to]} and dst port ${HEARTBEAT_PORT}`;
  const argv = ["tcpdump", "-i", LINK, "-nn", "-xx", "-c", `${count}`, ...filter.split(" ")];
  const { stdout } = await world.exec(to, argv, { timeoutMs: 20_000 });
  // Each packet is one line of words, then indented lines of hexadecimal digits.
  return stdout
    .split(/\n(?=\S)/)
    .map((packet) => [...packet.matchAll(/^\s+0x[0-9a-f]+:\s+([0-9a-f ]+)$/gm)])
    .map((lines) =>
      Buffer.from(lines.map(([, hex = ""]) => hex.replaceAll(" ", "")).join(""), "hex"),
    )
    .filter((frame) => frame.length > 42)
    .map((frame) => frame.subarray(42));
}
