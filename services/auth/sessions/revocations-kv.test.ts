import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { nanos } from "@nats-io/transport-node";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drainNats } from "#shared/nats/connect-nats.ts";
import { connectService } from "#test/support/connect-service.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { openRevocations } from "./revocations-kv.ts";

const DAY_MS = 86_400_000;
const STREAM = "KV_sluice_revoked";
const LOGIN_AT = "2026-01-01T00:00:00.000Z";
let server: NatsServer;
let nats: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  nats = await connectService(server.url("auth"));
});
afterAll(async () => {
  await drainNats(nats);
  await server[Symbol.asyncDispose]();
});

async function bucketConfig() {
  return (await (await jetstreamManager(nats)).streams.info(STREAM)).config;
}

test("a bucket that would forget too early or answer from a replica is corrected, and never shortened", async () => {
  await new Kvm(nats).create("sluice_revoked", { allow_direct: true, ttl: 60_000 });
  await openRevocations(nats, { replicas: 1, sessionMs: DAY_MS });
  expect(await bucketConfig()).toMatchObject({ allow_direct: false, storage: "file", max_age: nanos(2 * DAY_MS) });
  await openRevocations(nats, { replicas: 1, sessionMs: 60_000 });
  expect(await bucketConfig()).toMatchObject({ max_age: nanos(2 * DAY_MS), max_msgs_per_subject: 1 });
});

test("an end that was recorded is read, for that session of that tenant only", async () => {
  const revocations = await openRevocations(nats, { replicas: 1, sessionMs: DAY_MS });
  await revocations.record("acme", "S1");
  await revocations.record("acme", "S1");
  expect(await revocations.includes("acme", "S1", LOGIN_AT)).toBe(true);
  expect(await revocations.includes("acme", "S2", LOGIN_AT)).toBe(false);
  expect(await revocations.includes("rival", "S1", LOGIN_AT)).toBe(false);
});

test("it is read from the leader, never from whichever replica is near", async () => {
  const revocations = await openRevocations(nats, { replicas: 1, sessionMs: DAY_MS });
  const asked: string[] = [];
  const request = nats.request.bind(nats);
  nats.request = (subject, ...rest) => {
    asked.push(subject);
    return request(subject, ...rest);
  };
  await revocations.includes("acme", "S1", LOGIN_AT);
  nats.request = request;
  expect(asked).toEqual(Array.from({ length: 2 }, () => `$JS.API.STREAM.MSG.GET.${STREAM}`));
});

describe("the end of a tenant", () => {
  const before = "2026-01-01T00:00:00.000Z";
  const after = "2026-01-01T00:00:00.001Z";
  const openEnds = async () => openRevocations(nats, { replicas: 1, sessionMs: DAY_MS });

  test("ends every session, also those to come, until the tenant is made anew; then those that began before it", async () => {
    const revocations = await openEnds();
    const { tenantEnds } = revocations;
    await tenantEnds.record("gone", { version: 7, through: null });
    expect(await revocations.includes("gone", "S1", before)).toBe(true);
    expect(await revocations.includes("gone", "S2", new Date(Date.now() + DAY_MS).toISOString())).toBe(true);
    expect(await revocations.includes("other", "S1", before)).toBe(false);
    await tenantEnds.record("gone", { version: 7, through: Date.parse(before) });
    expect(await revocations.includes("gone", "S1", before)).toBe(true);
    expect(await revocations.includes("gone", "S1", undefined)).toBe(true);
    expect(await revocations.includes("gone", "S3", after)).toBe(false);
  });

  test("that comes late, or again, changes nothing", async () => {
    const revocations = await openEnds();
    const { tenantEnds } = revocations;
    await tenantEnds.record("late", { version: 7, through: Date.parse(before) });
    for (const version of [3, 7]) await tenantEnds.record("late", { version, through: null });
    await tenantEnds.record("late", { version: 7, through: Date.parse(after) });
    expect(await revocations.includes("late", "S1", after)).toBe(false);
    await tenantEnds.record("late", { version: 8, through: null });
    expect(await revocations.includes("late", "S1", after)).toBe(true);
  });

  test("is read once for all who ask in one tick", async () => {
    const revocations = await openEnds();
    let asked = 0;
    const request = nats.request.bind(nats);
    nats.request = (subject, ...rest) => {
      asked += 1;
      return request(subject, ...rest);
    };
    await Promise.all(["S1", "S2", "S3"].map((sid) => revocations.includes("acme", sid, before)));
    nats.request = request;
    expect(asked).toBe(4);
  });
});

test("a replica count the server cannot keep is refused, naming the setting", async () => {
  await (await jetstreamManager(nats)).streams.delete(STREAM);
  await expect(openRevocations(nats, { replicas: 3, sessionMs: DAY_MS })).rejects.toThrow(/NATS_REPLICAS/);
});

test("without the server it is not known whether a session was revoked", async () => {
  const revocations = await openRevocations(nats, { replicas: 1, sessionMs: DAY_MS });
  await server.stop("SIGKILL");
  const unknown = expect.objectContaining({ code: "unavailable" });
  await expect(revocations.includes("acme", "S1", LOGIN_AT)).rejects.toThrow(unknown);
  await expect(revocations.record("acme", "S1")).rejects.toThrow(unknown);
});
