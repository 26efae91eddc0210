// responder-main.ts — real servers of the model test: whoever asks, by TCP or UDP, hears who answered and who asked.
//
// node responder-main.js ADDRESS,… PORT,…     says "ready" once all listen
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const [addresses = "", ports = ""] = process.argv.slice(2);
const listening: Promise<unknown>[] = [];

for (const port of ports.split(",").map(Number)) {
  const server = createServer((socket) => {
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    const greeting = `${localAddress}:${localPort} ${remoteAddress}:${remotePort}`;
    socket.write(`${greeting}\n`);
    socket.on("data", () => socket.write(`${greeting}\n`));
  });
  listening.push(
    new Promise<void>((resolve) => server.listen({ host: "0.0.0.0", port, backlog: 512 }, resolve)),
  );
  for (const address of addresses.split(",")) {
    const socket = createSocket("udp4");
    socket.on("error", () => undefined);
    socket.on("message", (data, from) => {
      const line = `${data} ${address}:${port} ${from.address}:${from.port}`;
      socket.send(line, from.port, from.address);
    });
    listening.push(new Promise<void>((resolve) => socket.bind(port, address, resolve)));
  }
}
await Promise.all(listening);
process.stdout.write("ready\n");
