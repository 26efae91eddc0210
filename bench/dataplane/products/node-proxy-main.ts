// node-proxy-main.ts — the simplest proxy that Node can be: two sockets, piped into each other.
//
// node node-proxy-main.js VIP SERVER PORT…
import { connect, createServer } from "node:net";

const [vip, server = "", ...ports] = process.argv.slice(2);

for (const port of ports.map(Number)) {
  createServer({ noDelay: true }, (client) => {
    const onward = connect({ host: server, port, noDelay: true });
    client.pipe(onward).pipe(client);
    client.on("error", () => onward.destroy());
    onward.on("error", () => client.destroy());
  }).listen({ host: vip, port, backlog: 4096 });
}
