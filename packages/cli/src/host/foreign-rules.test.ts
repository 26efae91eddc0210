// foreign-rules.test.ts — rulesets as firewalls leave them, in nft's own JSON, judged for the reference deployment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type OwnAddress, type Problem, parseAppliance, parseServices } from "@lbpair/common";
import { REFERENCE_APPLIANCE, REFERENCE_SERVICES } from "../test-appliance.js";
import { judgeForeignRules } from "./foreign-rules.js";
import { readNftRuleset } from "./nft-ruleset.js";

const ADDRESSES: readonly OwnAddress[] = [
  { link: "eth0", address: "192.168.100.1", prefixLength: 24 },
  { link: "eth1", address: "192.168.200.1", prefixLength: 24 },
];

const payload = (protocol: string, field: string) => ({ payload: { protocol, field } });
const is = (left: unknown, right: unknown, op = "==") => ({ match: { op, left, right } });
const ACCEPT = { accept: null };
const DROP = { drop: null };
const TCP_DPORT = payload("tcp", "dport");
const UDP_DPORT = payload("udp", "dport");
const ESTABLISHED = is({ ct: { key: "state" } }, ["established", "related"], "in");

interface ChainText {
  readonly family?: string;
  readonly table?: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
  readonly rules: readonly (readonly unknown[])[];
}

function ruleset(...chains: readonly ChainText[]): string {
  let handle = 0;
  const objects = chains.flatMap(
    ({ family = "inet", table = "filter", name, hook, policy, rules }) => [
      {
        chain: {
          family,
          table,
          name,
          ...(hook === undefined
            ? {}
            : { type: "filter", hook, prio: 0, policy: policy ?? "accept" }),
        },
      },
      ...rules.map((expr) => {
        handle += 1;
        return { rule: { family, table, chain: name, handle, expr } };
      }),
    ],
  );
  return JSON.stringify({ nftables: [{ metainfo: { version: "1.0.6" } }, ...objects] });
}

function judge(text: string): readonly Problem[] {
  const services = parseServices(REFERENCE_SERVICES);
  const appliance = parseAppliance(REFERENCE_APPLIANCE);
  assert(services.ok && appliance.ok);
  return judgeForeignRules(readNftRuleset(text), {
    services: services.value,
    appliance: appliance.value,
    addresses: ADDRESSES,
  });
}

const brief = (problems: readonly Problem[]): string[] =>
  problems.map((problem) => `${problem.severity}: ${problem.path}: ${problem.got}`);

test("no firewall, and Debian's empty nftables.conf, are no problem", () => {
  assert.deepEqual(judge(ruleset()), []);
  const hooks = ["input", "forward", "output"];
  assert.deepEqual(judge(ruleset(...hooks.map((hook) => ({ name: hook, hook, rules: [] })))), []);
});

test("an input policy that admits SSH only drops the heartbeat, and is named", () => {
  const problems = judge(
    ruleset({
      name: "input",
      hook: "input",
      policy: "drop",
      rules: [
        [ESTABLISHED, ACCEPT],
        [is(TCP_DPORT, 22), ACCEPT],
      ],
    }),
  );
  assert.deepEqual(brief(problems), [
    "error: nft table inet filter (nftables.service, as Debian ships it): chain input, policy drop drops it",
  ]);
  assert.match(
    problems[0]?.want ?? "",
    /heartbeat udp 6694 from 192.168.200.2 and 1 other flow to pass/,
  );
});

test("a forward policy drop loses services, answers pass as established", () => {
  const problems = judge(
    ruleset({ name: "forward", hook: "forward", policy: "drop", rules: [[ESTABLISHED, ACCEPT]] }),
  );
  assert.equal(problems.length, 1);
  assert.match(
    problems[0]?.want ?? "",
    /^VNA tcp 12000 to 192.168.100.110 and 11 other flows to pass$/,
  );
});

test("rules that admit exactly what the pair needs are no problem", () => {
  const paths = { set: ["192.168.200.2", { prefix: { addr: "192.168.100.0", len: 24 } }] };
  const problems = judge(
    ruleset(
      {
        name: "input",
        hook: "input",
        policy: "drop",
        rules: [
          [is(payload("ip", "saddr"), paths), is(UDP_DPORT, 6694), { counter: {} }, ACCEPT],
          [is(TCP_DPORT, { set: [22, { range: [80, 90] }] }), ACCEPT],
        ],
      },
      {
        name: "forward",
        hook: "forward",
        policy: "drop",
        rules: [
          [ESTABLISHED, ACCEPT],
          [is(payload("th", "dport"), { range: [12000, 12950] }), ACCEPT],
        ],
      },
    ),
  );
  assert.deepEqual(brief(problems), []);
});

test("a rule that cannot be judged from here makes a warning, not an error", () => {
  const ufw = judge(
    ruleset(
      {
        family: "ip",
        name: "INPUT",
        hook: "input",
        policy: "drop",
        rules: [[{ jump: { target: "ufw-user-input" } }]],
      },
      {
        family: "ip",
        name: "ufw-user-input",
        rules: [[{ xt: { type: "match", name: "multiport" } }, ACCEPT]],
      },
    ),
  );
  assert.deepEqual(brief(ufw), [
    "warning: nft table ip filter (ufw): chain INPUT, policy drop may drop it",
  ]);
});

test("Docker's forward policy drops what no docker rule admits", () => {
  const problems = judge(
    ruleset(
      {
        family: "ip",
        name: "FORWARD",
        hook: "forward",
        policy: "drop",
        rules: [
          [{ jump: { target: "DOCKER-USER" } }],
          [is({ meta: { key: "oifname" } }, "docker0"), ESTABLISHED, ACCEPT],
          [is({ meta: { key: "iifname" } }, "docker0"), ACCEPT],
        ],
      },
      { family: "ip", name: "DOCKER-USER", rules: [[{ return: null }]] },
    ),
  );
  assert.deepEqual(brief(problems), [
    "error: nft table ip filter (Docker): chain FORWARD, policy drop drops it",
  ]);
});

test("a rule that drops is named with its words and handle, through jumps and verdict maps", () => {
  const problems = judge(
    ruleset(
      {
        name: "forward",
        hook: "forward",
        rules: [
          [
            {
              vmap: {
                key: { meta: { key: "l4proto" } },
                data: { set: [["tcp", { jump: { target: "tcp_chain" } }]] },
              },
            },
          ],
        ],
      },
      { name: "tcp_chain", rules: [[is(TCP_DPORT, { range: [12800, 12900] }), { reject: null }]] },
    ),
  );
  assert.equal(problems.length, 1);
  assert.match(
    problems[0]?.got ?? "",
    /chain tcp_chain, rule "tcp dport 12800-12900 reject" \(handle 2\) drops it/,
  );
  assert.match(problems[0]?.want ?? "", /VNA tcp 12800/);
});

test("our own tables, nat chains, and other families are passed over", () => {
  const drop = { name: "input", hook: "input", policy: "drop", rules: [[DROP]] };
  assert.deepEqual(judge(ruleset({ ...drop, family: "ip", table: "lbpair" })), []);
  assert.deepEqual(judge(ruleset({ ...drop, family: "ip6" })), []);
  assert.deepEqual(judge(ruleset({ ...drop, family: "bridge" })), []);
});

test("named sets are looked into, negations hold, and loops of jumps end", () => {
  const withSet = JSON.parse(
    ruleset(
      {
        name: "input",
        hook: "input",
        rules: [
          [is(payload("ip", "saddr"), "@friends", "!="), DROP],
          [{ jump: { target: "loop" } }],
        ],
      },
      { name: "loop", rules: [[{ jump: { target: "loop" } }]] },
    ),
  ) as { nftables: unknown[] };
  withSet.nftables.push({
    set: {
      family: "inet",
      table: "filter",
      name: "friends",
      elem: ["192.168.200.2", { elem: { val: "192.168.100.2" } }],
    },
  });
  assert.deepEqual(judge(JSON.stringify(withSet)), []);
  const without = judge(JSON.stringify({ nftables: withSet.nftables.slice(0, -1) }));
  assert.deepEqual(
    without.map((one) => one.severity),
    ["warning"],
  );
});

test("random rulesets never throw and never loop", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state % below;
  };
  const lefts = [
    TCP_DPORT,
    UDP_DPORT,
    payload("ip", "daddr"),
    { meta: { key: "mark" } },
    null,
    7,
    { concat: [] },
  ];
  const rights = [
    22,
    "x",
    "@set",
    { set: [1, null, { range: [] }] },
    { prefix: {} },
    [],
    null,
    { range: ["a", 4] },
  ];
  const verdicts = [
    ACCEPT,
    DROP,
    { jump: { target: "a" } },
    { goto: { target: "b" } },
    { return: null },
    { vmap: 3 },
    {},
    null,
  ];
  const pick = <T>(list: readonly T[]): T | undefined => list[random(list.length)];
  for (let i = 0; i < 60; i += 1) {
    const rules = (): unknown[][] =>
      Array.from({ length: random(6) }, () => [
        is(pick(lefts), pick(rights), pick(["==", "!=", "in", "<"])),
        pick(verdicts),
      ]);
    const text = ruleset(
      {
        name: "a",
        hook: pick(["input", "forward", "output"]) ?? "input",
        policy: pick(["drop", "accept"]) ?? "drop",
        rules: rules(),
      },
      { name: "b", rules: rules() },
    );
    assert.doesNotThrow(() => judge(text), `seed ${seed}`);
  }
});
