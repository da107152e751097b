import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectionSubject, CONNECTIONS_STREAM } from "#shared/contract/connection-log.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { openConnectionsLog } from "./connections-log.ts";

const SIZE = 1024 * 1024;

let server: NatsServer;
let policy: Bus;
let edge: Bus;

beforeAll(async () => {
  server = await startNats();
  policy = await openBus(server.url("policy"), "policy");
  edge = await openBus(server.url("stream"), "stream");
});
afterAll(async () => {
  for (const { connection } of [policy, edge]) await connection.close();
  await server[Symbol.asyncDispose]();
});

test("the edge writes the connection log, which is made again as it should be, with its entries", async () => {
  await openConnectionsLog(policy.connection, 1, SIZE);
  await jetstream(edge.connection).publish(connectionSubject("acme", "jane@acme.com", "opened"), "{}");
  const { streams } = await policy.manager();
  await streams.update(CONNECTIONS_STREAM, { discard: "new", max_age: 0 });
  await openConnectionsLog(policy.connection, 1, 2 * SIZE);
  const { config, state } = await streams.info(CONNECTIONS_STREAM);
  expect(config).toMatchObject({
    discard: "old",
    max_age: 86_400e9,
    max_bytes: 2 * SIZE,
    persist_mode: "async",
    deny_delete: true,
  });
  expect(state.messages).toBe(1);
});

test("the entries of a deleted tenant go, and no others", async () => {
  const log = await openConnectionsLog(policy.connection, 1, SIZE);
  for (const tenant of ["gone", "gone-2"]) {
    await jetstream(edge.connection).publish(connectionSubject(tenant, "bob", "ended"), "{}");
  }
  await log.removeConnections("gone");
  const { streams } = await policy.manager();
  const { state } = await streams.info(CONNECTIONS_STREAM, { subjects_filter: "connections.*.bob.*" });
  expect(Object.keys(state.subjects ?? {})).toEqual(["connections.gone-2.bob.ended"]);
});

test("policy asks the edges, and each answers to policy alone", async () => {
  const other = await openBus(server.url("stream"), "stream");
  for (const [name, { connection }] of Object.entries({ edge, other })) {
    connection.subscribe("edge.ask", { callback: (_, message) => void message.respond(name) });
    await connection.flush();
  }
  const heard: string[] = [];
  const replies = await policy.connection.requestMany("edge.ask", "", {
    strategy: "count",
    maxMessages: 2,
    maxWait: 5_000,
  });
  for await (const reply of replies) heard.push(reply.string());
  expect(heard.toSorted()).toEqual(["edge", "other"]);
  await other.connection.close();
});
