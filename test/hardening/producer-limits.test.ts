import { jetstream } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTenantLog } from "#test/support/start-auth.ts";
import { type NatsServer, type NatsUser, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";

/** As infra/nats/producers has them. */
const [CONNECTIONS, SUBSCRIPTIONS, PAYLOAD] = [128, 1_024, 1024 * 1024];

describe("the account of a tenant's producers", () => {
  const stack = new AsyncDisposableStack();
  let server: NatsServer;
  let rival: NatsConnection;

  beforeAll(async () => {
    server = stack.use(await startNats());
    await Promise.all(["demo", "rival"].map((tenant) => createTenantLog(server, tenant)));
    rival = await open("rival");
  });
  afterAll(() => stack.disposeAsync());

  async function open(user: NatsUser): Promise<NatsConnection> {
    const { host, password: pass } = new URL(server.url(user));
    const connecting = connect({ servers: host, user, pass, reconnect: false });
    return stack.adopt(await connecting, (connection) => connection.close());
  }

  const othersPublish = async (): Promise<void> => {
    await expect(jetstream(rival).publish("events.rival.a", "{}")).resolves.toMatchObject({ duplicate: false });
  };

  test("opens as many connections as it may and not one more, and others go on", async () => {
    const held = await Promise.all(Array.from({ length: CONNECTIONS }, () => open("demo")));
    // The server may hang up before the client has read why.
    await expect(open("demo")).rejects.toThrow(/maximum account active connections exceeded|EPIPE|ECONNRESET|closed/i);
    await othersPublish();
    await open("rival");
    await Promise.all(held.map((connection) => connection.close()));
    await waitFor("there is a place again", () => open("demo").catch(() => undefined));
  });

  test("publishes the largest event and none that is larger, and others go on", async () => {
    const demo = await open("demo");
    const publish = (bytes: number) => jetstream(demo).publish("events.demo.a", new Uint8Array(bytes));
    await expect(publish(PAYLOAD)).resolves.toMatchObject({ duplicate: false });
    await expect(publish(PAYLOAD + 1)).rejects.toThrow(/payload/i);
    await othersPublish();
  });

  test("has as many subscriptions as it may and not one more, and others go on", async () => {
    const demo = await open("demo");
    const errors: string[] = [];
    void (async () => {
      for await (const status of demo.status()) if (status.type === "error") errors.push(status.error.message);
    })();
    for (let index = 0; index < SUBSCRIPTIONS; index += 1) demo.subscribe(`_INBOX.a.${index}`);
    await demo.flush();
    expect(errors).toEqual([]);
    demo.subscribe("_INBOX.a.more");
    await waitFor("the server refuses", () => /subscriptions exceeded/i.test(errors.join()) || demo.isClosed());
    await othersPublish();
  });
});
