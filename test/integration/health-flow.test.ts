import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";
import { type RunningService } from "#test/support/start-service.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: Stack;
let publisher: RunningService;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  stack = await startStack();
  publisher = await stack.startPublish();
  const services = { auth: stack.auth, policy: stack.policy, publish: publisher, stream: stack.edge };
  const urls = Object.entries(services).flatMap(([name, { ports }]) => [
    [`${name.toUpperCase()}_HTTP_PORT`, String(ports.http)],
    [`${name.toUpperCase()}_OPS_PORT`, String(ports.ops)],
  ]);
  env = { ...Object.fromEntries(urls), NATS_PORT: String(stack.nats.port) };
});
afterAll(() => stack[Symbol.asyncDispose]());

/** The steps that went well, and what the command said of the first that did not. */
async function walk(seconds = 5) {
  const { code, out } = await sluice(["health", "--flow", "--seconds", String(seconds), "--json"], { env });
  const lines = out.map((line) => JSON.parse(line) as Record<string, string>);
  const went = lines.filter(({ step, failedAt }) => step !== undefined && failedAt === undefined);
  const { firstBroken, part, lookAt } = lines.at(-1) ?? {};
  return { code, went: went.map(({ step }) => step), firstBroken, part, lookAt };
}

const isWell = async () => (await sluice(["health"], { env })).code === 0 && (await walk()).code === 0;

describe("an event's way", () => {
  test("goes through where all is well, and each step says how long it took", async () => {
    const { code, out } = await sluice(["health", "--flow"], { env });
    expect([code, out.length]).toEqual([0, 5]);
    for (const line of out) expect(line).toMatch(/^✓ [a-z ]+ +\d+ ms {2}/);
    expect((await sluice(["health"], { env })).out.map((line) => line.slice(0, 10).trimEnd())).toEqual([
      "✓ bus",
      "✓ policy",
      "✓ auth",
      "✓ publish",
      "✓ stream",
    ]);
  });

  test("is broken at the first step that needs what is down, which the command names", async () => {
    await stack.nats.stop();
    expect(await walk(1)).toMatchObject({ code: 1, part: "bus", lookAt: expect.stringContaining("NATS_URL") });
    await stack.nats.start();
    await waitFor("all is well without the bus's outage", isWell);

    await stack.redis.stop();
    const noRedis = { code: 1, firstBroken: "log in", part: "auth" };
    expect(await walk()).toMatchObject({ ...noRedis, lookAt: expect.stringContaining("redis_unusable") });
    await stack.redis.start();
    await waitFor("all is well without Redis's outage", isWell);

    await publisher.child.end("SIGKILL");
    expect(await walk()).toMatchObject({ code: 1, firstBroken: "publish an event", part: "publish" });
    await stack.policy.child.end("SIGKILL");
    expect(await walk()).toMatchObject({ code: 1, firstBroken: "open a stream", part: "policy" });
    await stack.edge.child.end("SIGKILL");
    expect(await walk()).toMatchObject({ code: 1, firstBroken: "open a stream", part: "stream", went: ["log in"] });
    await stack.auth.child.end("SIGKILL");
    expect(await walk()).toMatchObject({ code: 1, firstBroken: "log in", part: "auth", went: [] });
    const { code, out } = await sluice(["health"], { env });
    expect([code, out.filter((line) => line.startsWith("✗")).length]).toEqual([1, 4]);
  });
});
