// passage-relations.ts — what contradicts itself or another rule among outbound rules and permissions.
import { networksMeet } from "./address.js";
import type { Loose } from "./loose-parse.js";
import { portRangesOverlap } from "./ports.js";
import type { Problem } from "./problems.js";
import type { OutboundRule, RoutedRule, ServicesConfig } from "./services-schema.js";

type Found = Omit<Problem, "file" | "line">;

const meet = (
  a: { readonly from?: string | undefined; readonly to?: string | undefined },
  b: { readonly from?: string | undefined; readonly to?: string | undefined },
): boolean =>
  a.from !== undefined &&
  a.to !== undefined &&
  b.from !== undefined &&
  b.to !== undefined &&
  networksMeet(a.from, b.from) &&
  networksMeet(a.to, b.to);

type LooseRouted = Loose<RoutedRule>;

/** "any" is held apart from the others in the kernel, so it may meet them. */
function permitTheSame(a: LooseRouted, b: LooseRouted): boolean {
  if (a.protocol !== b.protocol || !meet(a, b)) return false;
  if (a.ports === undefined || b.ports === undefined) return true;
  return a.ports.some((mine) =>
    b.ports?.some(
      (other) =>
        mine?.first !== undefined &&
        mine.last !== undefined &&
        other?.first !== undefined &&
        other.last !== undefined &&
        portRangesOverlap(
          { first: mine.first, last: mine.last },
          { first: other.first, last: other.last },
        ),
    ),
  );
}

/** The kernel takes no two elements that a packet could match both. */
function overlaps<T extends { readonly label?: string | undefined }>(
  rules: readonly (T | undefined)[],
  name: string,
  same: (a: T, b: T) => boolean,
): Found[] {
  return rules.flatMap((rule, i): Found[] => {
    const earlier = rules
      .slice(0, i)
      .find((each) => each !== undefined && rule !== undefined && same(each, rule));
    if (rule === undefined || earlier === undefined) return [];
    const want = "traffic that no other rule of the list has too";
    return [
      {
        code: "overlap",
        path: `${name}[${i}]`,
        want,
        got: `some of ${earlier.label ?? "another"}'s`,
      },
    ];
  });
}

function checkOutbound(
  rule: Loose<OutboundRule>,
  path: string,
  floating: ReadonlySet<string>,
): Found[] {
  if (rule.as === undefined || floating.has(rule.as)) return [];
  const want = "a floating IP or a service's address, which follows the active node";
  return [{ code: "contradiction", path: `${path}.as`, want, got: rule.as }];
}

function checkRouted({ protocol, ports }: LooseRouted, path: string): Found[] {
  const has = protocol === "tcp" || protocol === "udp";
  if (ports === undefined || protocol === undefined || has) return [];
  const want = "no ports, or protocol: tcp or udp";
  return [{ code: "contradiction", path: `${path}.ports`, want, got: `protocol: ${protocol}` }];
}

export function checkPassages(
  config: Pick<Loose<ServicesConfig>, "outbound" | "routed">,
  floating: ReadonlySet<string>,
): Found[] {
  const { outbound = [], routed = [] } = config;
  return [
    ...outbound.flatMap((rule, i) =>
      rule === undefined ? [] : checkOutbound(rule, `outbound[${i}]`, floating),
    ),
    ...overlaps(outbound, "outbound", meet),
    ...routed.flatMap((rule, i) => (rule === undefined ? [] : checkRouted(rule, `routed[${i}]`))),
    ...overlaps(routed, "routed", permitTheSame),
  ];
}
