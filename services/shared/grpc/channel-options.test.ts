import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { freePort } from "#test/support/ports.ts";
import { waitFor } from "#test/support/wait.ts";
import { clientChannelOptions, serverChannelOptions } from "./channel-options.ts";
import { followServers } from "./servers-resolver.ts";

const METHOD = {
  path: "/test.Echo/Say",
  requestStream: false as const,
  responseStream: false as const,
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: String,
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: String,
};

test("calls go to every server behind a name, and go on where one of them has gone", async () => {
  const port = await freePort();
  const servers = await Promise.all(["127.0.0.1", "127.0.0.2"].map((host) => start(host, port)));
  const address = `ipv4:127.0.0.1:${port},127.0.0.2:${port}`;
  const client = new Client(address, credentials.createInsecure(), clientChannelOptions);
  const heard = new Set<string>();
  while (heard.size < 2) heard.add(await ask(client));
  expect(heard).toEqual(new Set(["127.0.0.1", "127.0.0.2"]));
  servers[0]?.forceShutdown();
  for (let call = 0; call < 4; call += 1) expect(await ask(client)).toBe("127.0.0.2");
  client.close();
  servers[1]?.forceShutdown();
});

test("calls go to every server of a list, a name that leads nowhere among them, and to one that is there later", async () => {
  followServers();
  const [first, second] = await Promise.all([freePort(), freePort()]);
  const servers = [await start("127.0.0.1", first)];
  const address = `servers:name.invalid:${first},127.0.0.1:${first},localhost:${second}`;
  const client = new Client(address, credentials.createInsecure(), clientChannelOptions);
  expect(await ask(client)).toBe("127.0.0.1");
  servers.push(await start("127.0.0.1", second, "the second"));
  await waitFor("the second is asked, too", async () => (await ask(client)) === "the second");
  servers[0]?.forceShutdown();
  await waitFor("the second alone is asked", async () => {
    const heard = [await ask(client), await ask(client), await ask(client)].filter((host) => host === "the second");
    return heard.length === 3;
  });
  client.close();
  servers[1]?.forceShutdown();
});

async function start(host: string, port: number, answer = host): Promise<Server> {
  const server = new Server(serverChannelOptions);
  server.addService(
    { say: METHOD },
    { say: (_: unknown, reply: (error: null, host: string) => void) => reply(null, answer) },
  );
  await new Promise<void>((resolve, reject) => {
    const bound = (error: Error | null): void => (error === null ? resolve() : reject(error));
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), bound);
  });
  return server;
}

function ask(client: Client): Promise<string> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = METHOD;
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, "who", (error, host) =>
      error === null ? resolve(host ?? "") : reject(error),
    );
  });
}
