import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RunningService, startService } from "#test/support/start-service.ts";
import { startIssuer } from "#test/support/start-issuer.ts";

describe("the publisher as a process", () => {
  let nats: NatsServer;
  beforeAll(async () => void (nats = await startNats()));
  afterAll(() => nats[Symbol.asyncDispose]());

  const start = (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
    startService("publish", { NATS_URL: nats.url("publish"), ...env });

  it("is ready with auth's keys, says what it counts, and ends with 0 on SIGTERM", async () => {
    await using issuer = await startIssuer();
    await using publish = await start({ AUTH_JWKS_URL: issuer.jwksUri });
    const ready = await fetch(`http://127.0.0.1:${publish.ports.ops}/readyz`);
    const metrics = await fetch(`http://127.0.0.1:${publish.ports.ops}/metrics`);
    expect([ready.status, await metrics.text()]).toEqual([
      200,
      expect.stringContaining("sluice_publish_store_seconds_bucket"),
    ]);
    expect(await publish.child.end("SIGTERM")).toBe(0);
  });

  it("tells all wrong settings at once, and the port that is taken", async () => {
    await expect(
      start({ NATS_URL: "", PUBLISH_BATCH_MAX_EVENTS: "1001", PUBLISH_BODY_MAX_BYTES: "1" }),
    ).rejects.toThrow(/NATS_URL is not set[^]*PUBLISH_BODY_MAX_BYTES[^]*PUBLISH_BATCH_MAX_EVENTS/);
    await using publish = await start();
    await expect(start({ PUBLISH_HTTP_PORT: String(publish.ports.http) })).rejects.toThrow("PUBLISH_HTTP_PORT");
  });

  it("ends with 0 on SIGTERM also while the broker is gone", async () => {
    await using publish = await start();
    await nats.stop();
    const [code] = await Promise.all([publish.child.end("SIGTERM"), nats.start()]);
    expect(code).toBe(0);
  });
});
