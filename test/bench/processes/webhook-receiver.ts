import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// A process of its own that takes every message at once. Sends its port, and then how many events have come whenever it is asked.

const EVENT = '"specversion"';

let events = 0;
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    events += Buffer.concat(chunks).toString("latin1").split(EVENT).length - 1;
    response.writeHead(204).end();
  });
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("message", () => process.send?.(events));
