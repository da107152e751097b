import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import { connectNats } from "./connect-nats.ts";
import { readNatsSettings } from "#test/support/connect-service.ts";

/** A server that can be told to stop: it says who it is, and closes when the client answers. */
async function startStoppingServer(target: number) {
  const clients = new Set<Socket>();
  const state = { isStopping: false, brokenOff: 0 };
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    clients.add(client);
    upstream.pipe(client);
    upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
    client.on("error", () => {}).on("close", () => (clients.delete(client), upstream.destroy()));
    client.on("data", (bytes) => {
      if (!state.isStopping) return void upstream.write(bytes);
      state.brokenOff += 1;
      client.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    state,
    stop() {
      state.isStopping = true;
      for (const each of clients) each.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const each of clients) each.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("a server that closes in the midst of the greeting, as one that stops does, is left at once for the next try", async () => {
  await using nats = await startNats();
  await using server = await startStoppingServer(nats.port);
  const url = nats.url("auth").replace(String(nats.port), String(server.port));
  const settings = readNatsSettings({ NATS_URL: url });
  const connection = await connectNats(settings, "auth", createLogger("test", "silent"));
  try {
    server.stop();
    await waitFor("the third greeting is broken off", () => server.state.brokenOff >= 3);
    server.state.isStopping = false;
    const isBack = (): Promise<boolean> =>
      connection.flush().then(
        () => true,
        () => false,
      );
    await expect.poll(isBack).toBe(true);
  } finally {
    await connection.close();
  }
});
