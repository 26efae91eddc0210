// heartbeat-switch.ts — this process, a peer and other hosts on one switch, each in a network namespace.
import { execFileSync } from "node:child_process";
import { openPacketReceiver, openPacketSocket, type PacketReceiver } from "@lbpair/common";
import { ETHER_TYPE_ARP } from "@lbpair/heartbeat";
import { enterNamed, ip, leave } from "./heartbeat-namespaces.js";

/** `here` is this process: 10.9.0.1. Every host has one link, e0, and 10.9.0.N/24 and fd00:9::N/64. */
export const HOSTS = ["here", "peer", "host", "stranger"] as const;
export type HostName = (typeof HOSTS)[number];
export const numberOf = (name: HostName): number => HOSTS.indexOf(name) + 1;
export const macOf = (name: HostName): string => `02:00:00:00:09:0${numberOf(name)}`;
export const addressOf = (name: HostName): string => `10.9.0.${numberOf(name)}`;
export const address6Of = (name: HostName): string => `fd00:9::${numberOf(name)}`;

const namespaceOf = (name: string): string => `lbt-${process.pid}-hbs-${name}`;

export interface Switch {
  namespace(name: HostName): string;
  ip(name: HostName, ...args: string[]): string;
  /** Runs a command at a host. */
  exec(name: HostName, argv: readonly string[], input?: string): string;
  sysctl(name: HostName, ...words: string[]): void;
  /** The switch's end of a host's cable: the host has no carrier while it is down. */
  port(name: HostName, state: "up" | "down"): void;
  /** The link's index at a host. */
  indexAt(name: HostName): number;
  /** Opens something at a host; nothing else may be opened meanwhile. */
  at<T>(name: HostName, open: () => T): T;
  /** Answers every ARP question for an address with a MAC, from a host, until it is closed. */
  impostor(name: HostName, address: string, mac: string): PacketReceiver;
  remove(): void;
}

/** A reply to the question in a frame, saying that `mac` has what was asked for. */
function replyTo(question: Buffer, mac: string): Buffer {
  const octets = Buffer.from(mac.replaceAll(":", ""), "hex");
  const reply = Buffer.from(question);
  question.copy(reply, 0, 6, 12);
  octets.copy(reply, 6);
  reply.writeUInt16BE(2, 20);
  octets.copy(reply, 22);
  question.copy(reply, 28, 38, 42);
  question.copy(reply, 32, 22, 28);
  question.copy(reply, 38, 28, 32);
  return reply;
}

export function laySwitch(): Switch {
  const hub = namespaceOf("switch");
  ip("netns", "add", hub);
  ip(
    "-n",
    hub,
    "link",
    "add",
    "name",
    "hub0",
    "type",
    "bridge",
    "forward_delay",
    "0",
    "mcast_snooping",
    "0",
  );
  ip("-n", hub, "link", "set", "dev", "hub0", "up");
  for (const name of HOSTS) {
    const space = namespaceOf(name);
    ip("netns", "add", space);
    const peer = ["peer", "name", name, "netns", hub];
    ip("-n", space, "link", "add", "e0", "address", macOf(name), "type", "veth", ...peer);
    ip("-n", hub, "link", "set", "dev", name, "master", "hub0", "up");
    for (const link of ["lo", "e0"]) ip("-n", space, "link", "set", link, "up");
    ip("-n", space, "addr", "add", `${addressOf(name)}/24`, "dev", "e0");
    ip("-n", space, "addr", "add", `${address6Of(name)}/64`, "dev", "e0", "nodad");
  }
  enterNamed(namespaceOf("here"));
  const exec = (name: HostName, argv: readonly string[], input = ""): string =>
    execFileSync("ip", ["netns", "exec", namespaceOf(name), ...argv], { encoding: "utf8", input });
  const world: Switch = {
    namespace: namespaceOf,
    exec,
    ip: (name, ...args) => ip("-n", namespaceOf(name), ...args),
    sysctl: (name, ...words) => {
      exec(name, ["sysctl", "-q", "-w", ...words]);
    },
    port: (name, state) => {
      ip("-n", hub, "link", "set", "dev", name, state);
    },
    indexAt(name) {
      const json = ip("-n", namespaceOf(name), "-j", "link", "show", "e0");
      return (JSON.parse(json) as { ifindex: number }[])[0]?.ifindex ?? 0;
    },
    at(name, open) {
      enterNamed(namespaceOf(name));
      try {
        return open();
      } finally {
        enterNamed(namespaceOf("here"));
      }
    },
    impostor(name, address, mac) {
      const index = world.indexAt(name);
      const target = Buffer.from(address.split(".").map(Number));
      return world.at(name, () => {
        const socket = openPacketSocket();
        const answer = (frame: Buffer) => {
          const asked = frame.readUInt16BE(20) === 1 && frame.subarray(38, 42).equals(target);
          if (asked) socket.send(index, replyTo(frame, mac));
        };
        return openPacketReceiver(index, ETHER_TYPE_ARP, answer, { pollMs: 1 });
      });
    },
    remove() {
      leave();
      for (const name of [...HOSTS, "switch"]) ip("netns", "del", namespaceOf(name));
    },
  };
  return world;
}
