// bad-configurations.ts — every malformed, contradictory or hostile services.yaml that is asked for, by name.

export interface BadConfiguration {
  readonly name: string;
  readonly text: string;
  /** What the answer must say. */
  readonly says: readonly RegExp[];
}

/** One further service, as a line of the reference file. */
export const serviceLine = (fields: string): string =>
  `  - { method: nat, scheduler: weighted-hash, protocol: tcp, ${fields} }\n`;

const SERVER =
  'realServers: [ { label: P, address: 192.168.100.110, weight: 100 } ], check: { type: "on" }';

/**
 * What each adds to the reference file, and what has to be said of it. The last two are judged by
 * this node's networks and scripts, once the file as such is in order.
 */
const ADDED: readonly (readonly [string, string, RegExp])[] = [
  [
    "two services of one label",
    serviceLine(`label: VNA, address: 192.168.200.100, ports: [13000], ${SERVER}`),
    /label/,
  ],
  [
    "one VIP and port in two services",
    serviceLine(`label: TWICE, address: 192.168.200.100, ports: [12000-12050], ${SERVER}`),
    /ports/,
  ],
  [
    "port 0",
    serviceLine(`label: ZERO, address: 192.168.200.100, ports: [0], ${SERVER}`),
    /ports.*\b0\b/,
  ],
  [
    "port 65536",
    serviceLine(`label: MUCH, address: 192.168.200.100, ports: [65536], ${SERVER}`),
    /65536/,
  ],
  [
    "control characters in a label",
    serviceLine(
      `label: "A\\u0007\\u001b[2JB", address: 192.168.200.100, ports: [13000], ${SERVER}`,
    ),
    /label/,
  ],
  [
    "quotes in a label",
    serviceLine(
      `label: 'A"; flush ruleset; "', address: 192.168.200.100, ports: [13000], ${SERVER}`,
    ),
    /label/,
  ],
  [
    "a real server equal to the VIP",
    serviceLine(
      "label: LOOP, address: 192.168.200.100, ports: [13000], " +
        'realServers: [ { label: P, address: 192.168.200.100, weight: 1 } ], check: { type: "on" }',
    ),
    /192\.168\.200\.100/,
  ],
  [
    "an unknown key",
    serviceLine(`label: KEY, address: 192.168.200.100, prots: [13000], ${SERVER}`),
    /did you mean ports/,
  ],
  [
    "a VIP that is the node's own address",
    serviceLine(`label: OWN, address: 192.168.200.1, ports: [13001], ${SERVER}`),
    /192\.168\.200\.1\b/,
  ],
  [
    "a script that is not there",
    serviceLine(
      "label: SCRIPT, address: 192.168.200.100, ports: [13000], " +
        "realServers: [ { label: P, address: 192.168.100.110, weight: 1 } ], " +
        "check: { type: external, script: not-there, interval: 2s, timeout: 1s }",
    ),
    /not-there/,
  ],
];

/** Each alias ten times the one before: ten thousand million nodes where it is resolved. */
function anchorBomb(): string {
  const lines = ['a0: &a0 ["x"]'];
  for (let i = 1; i <= 10; i += 1) {
    lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(", ")}]`);
  }
  return `${lines.join("\n")}\n`;
}

const MEGABYTES = 50;

export function badConfigurations(reference: string): BadConfiguration[] {
  const alone = ADDED.slice(0, -2);
  const fits = ADDED.slice(-2);
  const together = (added: typeof ADDED, name: string): BadConfiguration => ({
    name,
    text: reference + added.map(([, text]) => text).join(""),
    says: added.map(([, , says]) => says),
  });
  return [
    ...ADDED.map(([name, added, says]) => ({ name, text: reference + added, says: [says] })),
    together(alone, "all that the file itself has wrong"),
    together(fits, "all that does not fit this node"),
    { name: "half a file", text: reference.slice(0, -150), says: [/services\.yaml/] },
    { name: "an empty file", text: "", says: [/services\.yaml/] },
    { name: "an anchor bomb", text: anchorBomb() + reference, says: [/services\.yaml/] },
    {
      name: `a file of ${MEGABYTES} MB`,
      text: `# ${"x".repeat(MEGABYTES * 1024 * 1024)}\n${reference}`,
      says: [/services\.yaml/],
    },
  ];
}

/** Ten mistakes, each on a line of its own: the lines they are on. */
export const TEN_MISTAKES = `heartbeat: { keepalive: 600ms, deadtime: 1s, warntime: 700ms, lease: 900ms }
floatingIps:
  - { label: gateway, address: 192.168.100.254 }
  - { label: gateway, address: 192.168.100.253 }
  - { label: second, address: 192.168.100.300 }
virtualServices:
  - label: VNA
    address: 192.168.200.100
    ports: [12000, 12001]
    protocol: tpc
    shceduler: weighted-hash
    realServers:
      - { label: A, address: 192.168.100.110, weight: -1 }
      - { label: B, address: 192.168.200.100 }
    check: { type: connect, interval: 5s, timeout: 9s }
  - label: VNB
    address: 192.168.200.100
    ports: [12000]
    realServers:
      - { label: A, address: 192.168.100.111, port: 70000 }
    check: { type: on }
`;
