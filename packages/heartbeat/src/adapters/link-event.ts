// link-event.ts — what a line of `ip -o monitor address link` says happened (no I/O).
import { normalAddress } from "@lbpair/common/light";

export type LinkEvent =
  | {
      readonly kind: "address-added" | "address-removed";
      readonly link: string;
      readonly linkIndex: number;
      readonly address: string;
      readonly prefix: number;
    }
  | {
      readonly kind: "link-up" | "link-down" | "link-removed";
      readonly link: string;
      readonly linkIndex: number;
    };

const HEAD = /^(Deleted )?(\d+): ([^\s:@]+)(?:@[^\s:]+)?:?\s+(.*)$/;
const ADDRESS = /^inet6? (\S+?)(?:\/(\d+))?(?: |$)/;

/** The same thousand floating IPs are told each second, when they are prolonged. */
const KNOWN_MAX = 4096;
const known = new Map<string, string | undefined>();

function addressOf(text: string): string | undefined {
  if (known.has(text)) return known.get(text);
  const address = normalAddress(text);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(text, address);
  return address;
}

/**
 * One line of iproute2's text (it has no JSON for this), e.g.
 *   Deleted 2: eth1    inet 192.168.200.100/32 scope global eth1\ valid_lft …
 *   2: eth1@if7: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 …
 * Undefined for anything else. "link-up" means up with carrier; it also comes when something else of
 * the link changed.
 */
export function parseMonitorLine(line: string): LinkEvent | undefined {
  const head = HEAD.exec(line);
  if (head?.[2] === undefined || head[3] === undefined || head[4] === undefined) return undefined;
  const [, deleted, index, link, rest] = head;
  const on = { link, linkIndex: Number(index) };
  const flags = /^<([^>]*)>/.exec(rest)?.[1]?.split(",");
  if (flags !== undefined) {
    if (deleted !== undefined) return { kind: "link-removed", ...on };
    // The flag LOWER_UP lags behind NO-CARRIER on some drivers: both must agree.
    const up = flags.includes("UP") && flags.includes("LOWER_UP") && !flags.includes("NO-CARRIER");
    return { kind: up ? "link-up" : "link-down", ...on };
  }
  const found = ADDRESS.exec(rest);
  const address = addressOf(found?.[1] ?? "");
  if (address === undefined) return undefined;
  const prefix = Number(found?.[2] ?? (address.includes(":") ? 128 : 32));
  return {
    kind: deleted === undefined ? "address-added" : "address-removed",
    ...on,
    address,
    prefix,
  };
}
