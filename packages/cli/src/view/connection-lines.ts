// connection-lines.ts — open connections as a person reads them: counted by server and client, then one by one.
import type { ConnectionsAnswer } from "@lbpair/common";
import type { Glyphs } from "../render/glyphs.js";
import { showCount } from "../render/numbers.js";
import { type Column, table } from "../render/table.js";
import { EMPTY_LINE, type Line, line, span } from "../render/text.js";

const COUNTS: readonly Column[] = [
  { title: "server", shrinksTo: 16 },
  { title: "open", align: "right" },
  { title: "client with most", shrinksTo: 15 },
  { title: "open", align: "right" },
];
const LIST: readonly Column[] = [
  { title: "client", shrinksTo: 15 },
  { title: "to", shrinksTo: 12 },
  { title: "server", shrinksTo: 16 },
  { title: "state", leaves: 1 },
  { title: "silent until", align: "right", leaves: 2 },
];

function countLines({ servers, clients }: ConnectionsAnswer, room: number): Line[] {
  const rows = Array.from({ length: Math.max(servers.length, clients.length) }, (_, i) => {
    const [server, client] = [servers[i], clients[i]];
    return {
      cells: [
        line(server?.id ?? ""),
        line(server === undefined ? "" : showCount(server.open)),
        line(client?.address ?? ""),
        line(client === undefined ? "" : showCount(client.open)),
      ],
    };
  });
  return table(COUNTS, rows, room);
}

function listLines({ connections }: ConnectionsAnswer, glyphs: Glyphs, room: number): Line[] {
  const rows = connections.map((one) => ({
    cells: [
      line(`${one.client}:${one.clientPort}`),
      line(`${one.service} ${one.protocol} ${one.vipPort}`),
      line(
        span(`${glyphs.arrow} `, "dim"),
        `${one.server ?? "(left)"} ${one.address}:${one.serverPort}`,
      ),
      line(span(one.state.toLowerCase(), "dim")),
      line(span(`${showCount(one.secondsLeft)} s`, "dim")),
    ],
  }));
  return table(LIST, rows, room);
}

export function connectionLines(answer: ConnectionsAnswer, glyphs: Glyphs, room: number): Line[] {
  const { total, connections, condition } = answer;
  const passive =
    condition === "passive"
      ? [
          line(
            span(
              `${glyphs.some} this node is passive: open connections are with the active one`,
              "yellow",
            ),
          ),
        ]
      : [];
  const head = line(span(`${showCount(total)} open connection${total === 1 ? "" : "s"}`, "bold"));
  if (total === 0) return [...passive, head];
  const left = total - connections.length;
  const more =
    left > 0 && connections.length > 0
      ? [line(span(`and ${showCount(left)} more (--limit)`, "dim"))]
      : [];
  return [
    ...passive,
    head,
    EMPTY_LINE,
    ...countLines(answer, room),
    ...(connections.length === 0 ? [] : [EMPTY_LINE, ...listLines(answer, glyphs, room), ...more]),
  ];
}
