// filter-rules.ts — the part of the rules that says which packets may pass at all.
import { PAGE_PORT } from "@lbpair/common";
import { chain } from "./chain-text.js";
import { passageRules } from "./passage-rules.js";
import type { Words } from "./rule-words.js";

export function cutPackets({ source, destination }: Words, markMask: number): string[] {
  const flow = `${source} . tcp sport . ${destination} . tcp dport`;
  const mask = `0x${(markMask >>> 0).toString(16).padStart(8, "0")}`;
  return [
    // A SYN is a new connection that happens to use the same ports: it lifts the cut.
    ...chain("cut", [
      "type filter hook prerouting priority raw;",
      `tcp flags & syn == syn delete @cuts { ${flow} }`,
      `${flow} @cuts reject with tcp reset`,
    ]),
    ...chain("own", [
      "type filter hook output priority raw;",
      `meta mark & ${mask} == ${mask} notrack`,
    ]),
  ];
}

export function filters(words: Words): string[] {
  const { source, destination, icmpPermitted, prohibited } = words;
  const to = `${destination} . meta l4proto . th dport`;
  const from = `${source} . meta l4proto . th sport`;
  return [
    // A packet that does not name one VIP must not make an entry; the client's next one will.
    ...chain(
      "pass_new",
      ["ambiguous", "wideambiguous"].flatMap((set) => [
        `${from} @${set} tcp flags & (syn | ack) != syn drop`,
        `meta l4proto udp ${from} @${set} drop`,
      ]),
    ),
    ...chain("pass", [
      "type filter hook forward priority filter;",
      // Nearly all of what servers send: found by one look-up, before anything else is asked.
      `ct status dnat ct direction reply ${from} @fromservers accept`,
      "ct state new jump pass_new",
      ...["", "wide"].flatMap((width) => [
        `ct status dnat,snat ${to} @${width}toservers accept`,
        `ct state invalid ${to} @${width}toservers accept`,
        `tcp flags & (syn | ack) != syn ${from} @${width}fromservers accept`,
        `meta l4proto udp ${from} @${width}fromservers accept`,
      ]),
      "ct state related accept",
      ...passageRules(words),
      `iifname @arms oifname @arms counter name foreign ${prohibited}`,
    ]),
    ...chain("guard", [
      "type filter hook input priority filter;",
      `${destination} @floating jump floating_ip`,
    ]),
    ...chain("floating_ip", [
      icmpPermitted,
      // The built-in page, for those whom a service sends there; nobody else.
      `ct status dnat tcp dport ${PAGE_PORT} accept`,
      ...["closed", "wideclosed"].flatMap((set) => [
        `${to} @${set} meta l4proto tcp reject with tcp reset`,
        `${to} @${set} reject`,
      ]),
      "counter name guarded drop",
    ]),
  ];
}
