import { appendFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { sluice, type SluiceResult } from "#test/support/run-sluice.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { openBus, type Stack, startStack } from "#test/support/start-stack.ts";

let folder: string;
let out: string;
let history: { readonly alice: string; readonly bob: string; readonly lastEventId: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-backup-"));
  out = join(folder, "monday");
  history = await makeHistory();
});
afterAll(() => rm(folder, { recursive: true }));

const envOf = (nats: NatsServer, redis: RedisServer): NodeJS.ProcessEnv => ({
  NATS_URL: nats.url("backup"),
  REDIS_URL: redis.url.replace("auth:", "backup:"),
});

describe("an empty stack that a backup was put back into", () => {
  const owner = new AsyncDisposableStack();
  let after: Stack;
  let restored: SluiceResult;
  let second: SluiceResult;

  beforeAll(async () => {
    const nats = owner.use(await startNats());
    const redis = owner.use(await startRedis());
    restored = await sluice(["restore", out], { env: envOf(nats, redis) });
    second = await sluice(["restore", out], { env: envOf(nats, redis) });
    after = owner.use(await startStack({ nats, redis }));
  });
  afterAll(() => owner.disposeAsync());

  test("was told stream by stream, and takes no second one", () => {
    expect(restored).toMatchObject({ code: 0, err: [] });
    expect(restored.out).toEqual(expect.arrayContaining([expect.stringMatching(/^EVENTS_demo: \d+ messages$/)]));
    expect(second).toMatchObject({ code: 1, err: [expect.stringContaining("nothing was put back")] });
  });

  test("goes on with the streams of before without reset, by the sessions and roles of before", async () => {
    const refreshed = await refresh(after, history.alice);
    expect(refreshed.status).toBe(200);
    const { access_token: token } = (await refreshed.json()) as { access_token: string };
    const url = `${after.streamUrl}/v1/stream?topic=push.>`;
    await using stream = await openEventStream(url, { token, lastEventId: history.lastEventId });
    expect(await stream.receive(2)).toEqual(["2", "3"]);
    expect(stream.frames.map(({ event }) => event)).not.toContain("reset");
    await (await after.bus("demo")).publish("events.demo.push.event.4", "4");
    expect((await stream.receive(3)).at(-1)).toBe("4");
  });

  test("refuses a session that was ended before", async () => {
    expect((await refresh(after, history.bob)).status).toBe(401);
  });
});

test("a backup is not written over, and one that was changed is not put back", async () => {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const env = { NATS_URL: nats.url("backup") };
  const again = await sluice(["backup", "--out", out, "--no-redis"], { env });
  expect(again).toMatchObject({ code: 1, err: [expect.stringContaining("there is a backup in")] });
  const policy = await openBus(nats.url("policy"), "policy");
  stack.defer(() => policy.connection.close());
  await (await policy.manager()).streams.add({ name: "EVENTS_other", subjects: ["events.other.>"] });
  const beside = await sluice(["restore", out, "--no-redis"], { env });
  expect(beside).toMatchObject({ code: 1, err: [expect.stringContaining("the bus holds EVENTS_other already")] });
  await appendFile(join(out, "redis.ndjson"), "x");
  const redisDamaged = await sluice(["restore", out], { env });
  expect(redisDamaged).toMatchObject({ code: 1, err: [expect.stringContaining("what Redis had is damaged")] });
  await appendFile(join(out, "streams/EVENTS_demo.snapshot"), "x");
  const damaged = await sluice(["restore", out, "--no-redis"], { env });
  expect(damaged).toMatchObject({ code: 1, err: [expect.stringContaining("the snapshot of EVENTS_demo is damaged")] });
  await rm(join(out, "streams"), { recursive: true });
  const missing = await sluice(["restore", out, "--no-redis"], { env });
  expect(missing).toMatchObject({ code: 1, err: [expect.stringMatching(/is missing: nothing was put back$/)] });
  const nothing = await sluice(["restore", folder, "--no-redis"], { env });
  expect(nothing).toMatchObject({ code: 1, err: [expect.stringContaining("there is no whole backup in")] });
});

/** A stack in which alice has seen the first of three events and bob has logged out, backed up; their refresh tokens and her id. */
async function makeHistory(): Promise<typeof history> {
  await using stack = await startStack();
  await stack.setRoles("alice", ["maintainer"]);
  const alice = await stack.login("alice");
  const bob = await stack.login("bob");
  await requireOk(
    fetch(`${stack.authUrl}/v1/auth/logout`, {
      method: "POST",
      headers: { authorization: `Bearer ${bob.access_token}` },
    }),
  );
  const url = `${stack.streamUrl}/v1/stream?topic=push.>`;
  await using stream = await openEventStream(url, { token: alice.access_token });
  await stream.frame("ready");
  const bus = await stack.bus("demo");
  await bus.publish("events.demo.push.event.1", "1");
  await stream.receive(1);
  const lastEventId = stream.lastId() ?? "";
  for (const n of ["2", "3"]) await bus.publish(`events.demo.push.event.${n}`, n);
  const { code, err } = await sluice(["backup", "--out", out], { env: envOf(stack.nats, stack.redis) });
  expect([code, err]).toEqual([0, []]);
  expect((await stat(join(out, "streams/EVENTS_demo.snapshot"))).mode & 0o777).toBe(0o600);
  return { alice: alice.refresh_token, bob: bob.refresh_token, lastEventId };
}

function refresh(stack: Stack, refreshToken: string): Promise<Response> {
  return fetch(`${stack.authUrl}/v1/auth/refresh`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ refresh_token: refreshToken }),
  });
}
