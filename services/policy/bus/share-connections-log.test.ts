import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectionSubject, CONNECTIONS_STREAM, tenantConnections } from "#shared/contract/connection-log.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { openConnectionsLog } from "./connections-log.ts";
import { fairShare, shareConnectionsLog } from "./share-connections-log.ts";

const SIZE = 1024 * 1024;

let server: NatsServer;
let policy: Bus;
let edge: Bus;

beforeAll(async () => {
  server = await startNats();
  policy = await openBus(server.url("policy"), "policy");
  edge = await openBus(server.url("stream"), "stream");
  await openConnectionsLog(policy.connection, 1, SIZE);
});
afterAll(async () => {
  for (const { connection } of [policy, edge]) await connection.close();
  await server[Symbol.asyncDispose]();
});

/** Has so many people of a tenant open a stream; an entry takes about 1 KiB. */
async function open(tenant: string, people: number): Promise<void> {
  const js = jetstream(edge.connection);
  const entry = "x".repeat(900);
  for (let person = 0; person < people; person += 1) {
    await js.publish(connectionSubject(tenant, `p${person}`, "opened"), entry);
  }
}

async function kept(tenant: string): Promise<readonly string[]> {
  const { streams } = await policy.manager();
  const { state } = await streams.info(CONNECTIONS_STREAM, { subjects_filter: tenantConnections(tenant) });
  return Object.keys(state.subjects ?? {});
}

test("a tenant that fills the connection log loses its own oldest entries, and nobody else loses one", async () => {
  const manager = await policy.manager();
  await open("noisy", 860);
  expect(await shareConnectionsLog(manager)).toEqual([]);
  await open("quiet", 20);
  await open("noisy-2", 30);
  expect(await shareConnectionsLog(manager)).toEqual(["noisy"]);
  expect([(await kept("quiet")).length, (await kept("noisy-2")).length]).toEqual([20, 30]);
  const left = await kept("noisy");
  expect(left).toContain(connectionSubject("noisy", "p859", "opened"));
  expect(left).not.toContain(connectionSubject("noisy", "p0", "opened"));
  const { state, config } = await manager.streams.info(CONNECTIONS_STREAM);
  expect(state.bytes / config.max_bytes).toBeLessThanOrEqual(0.71);
  expect(state.bytes / config.max_bytes).toBeGreaterThan(0.6);
  expect(await shareConnectionsLog(manager)).toEqual([]);
});

test.each([
  [[10, 20, 30], 60, Number.POSITIVE_INFINITY],
  [[10, 20, 30], 59, 29],
  [[1, 1, 998], 100, 98],
  [[50, 50], 61, 30],
  [[5], 3, 3],
  [[], 3, Number.POSITIVE_INFINITY],
])("of %j together %d may stay, and each at most %d", (counts, room, share) => {
  expect(fairShare(counts, room)).toBe(share);
});
