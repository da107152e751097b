import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

// What test/bench/native/write-loop.c is, where there is no C compiler: it speaks the same lines.

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: open\n\n";

const sockets = new Set<Socket>();
const server = createServer({ noDelay: true }, (socket) => {
  socket.once("data", () => {
    sockets.add(socket);
    socket.write(HEAD);
  });
  socket.on("error", () => sockets.delete(socket)).on("close", () => sockets.delete(socket));
}).listen(0, "127.0.0.1", () => answer({ port: (server.address() as { port: number }).port }));

createInterface({ input: process.stdin }).on("line", (line) => {
  const [, rate = 0, seconds = 0, payloadBytes = 0] = line.split(" ").map(Number);
  void publish(rate, seconds, payloadBytes).then(() => answer({ missed: 0 }));
});

async function publish(rate: number, seconds: number, payloadBytes: number): Promise<void> {
  const begin = performance.now();
  for (let number = 0; number < rate * seconds; number += 1) {
    const wait = begin + (number * 1_000) / rate - performance.now();
    if (wait > 0) await delay(wait);
    // Past its time by far more than it was to last, it only shows that this machine cannot.
    if (-wait > seconds * 1_000) return;
    const frame = Buffer.from(frameOf(payloadBytes));
    for (const socket of sockets) socket.write(frame);
  }
}

function frameOf(payloadBytes: number): string {
  const micros = Math.round((performance.timeOrigin + performance.now()) * 1_000);
  const pad = "x".repeat(Math.max(0, payloadBytes - 32));
  return `id: 0123456789ab.12345678.abcdefg\ndata: {"t":${micros},"pad":"${pad}"}\n\n`;
}

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
