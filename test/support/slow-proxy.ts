import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy in front of a local port whose replies take as long as the test says. */
export interface SlowProxy extends AsyncDisposable {
  readonly port: number;
  /** Cuts every connection that is open. */
  cut(): void;
}

/** Starts the proxy; what comes back waits `delayMs()` and stays in order. */
export async function startSlowProxy(target: number, delayMs: () => number): Promise<SlowProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true));
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    // One after the other: two timers that are due in the same millisecond may change places.
    let before = Promise.resolve();
    upstream.on("data", (bytes) => {
      const due = performance.now() + delayMs();
      before = before.then(() => delay(Math.max(0, due - performance.now()))).then(() => void client.write(bytes));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => sockets.forEach((socket) => socket.destroy()),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
