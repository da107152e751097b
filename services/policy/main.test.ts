import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type JetStreamManager, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectService } from "#test/support/connect-service.ts";
import { startIssuer } from "#test/support/start-issuer.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RunningService, startService } from "#test/support/start-service.ts";

const DEMO_DOCUMENTS = fileURLToPath(new URL("../../infra/policies", import.meta.url));
const OPERATOR_TOKEN = "an-operator-token-for-this-test";

const call = async ({ ports }: RunningService, path: string, init: RequestInit = {}) => {
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
  const response = await fetch(`http://127.0.0.1:${ports.http}${path}`, { headers, ...init });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

describe("policy as a process", () => {
  let nats: NatsServer;
  let emptyDirectory: string;

  beforeAll(async () => {
    nats = await startNats();
    emptyDirectory = await mkdtemp(join(tmpdir(), "sluice-policies-"));
  });
  afterAll(async () => {
    await nats[Symbol.asyncDispose]();
    await rm(emptyDirectory, { recursive: true });
  });

  const start = (env: NodeJS.ProcessEnv = {}): Promise<RunningService> =>
    startService("policy", {
      NATS_URL: nats.url("policy"),
      POLICY_OPERATOR_TOKEN: OPERATOR_TOKEN,
      POLICY_DOCUMENTS_DIR: emptyDirectory,
      ...env,
    });

  const withStreams = async (use: (manager: JetStreamManager) => Promise<unknown>): Promise<void> => {
    await using connection = await connectService(nats.url("policy"));
    await use(await jetstreamManager(connection));
  };

  it("brings up the demo's tenants from their files, and ends with 0 on SIGTERM", async () => {
    await using issuer = await startIssuer();
    // The demo's folder is the default of the demo alone.
    const demo = { SLUICE_DEMO: "1", POLICY_DOCUMENTS_DIR: "", AUTH_JWKS_URL: issuer.jwksUri };
    await using policy = await start({ ...demo, LOG_LEVEL: "trace" });
    expect(await call(policy, "/v1/tenants")).toMatchObject({
      status: 200,
      body: { tenants: [{ tenant: "demo" }, { tenant: "rival" }] },
    });
    const check = { subject: "bob", groups: [], topic: "push.event.Hello-World" };
    const { body } = await call(policy, "/v1/tenants/demo/check", { method: "POST", body: JSON.stringify(check) });
    expect(body).toMatchObject({ allow: true, rule: { role: "maintainer", effect: "allow", rule: "push:read" } });
    const ready = await fetch(`http://127.0.0.1:${policy.ports.ops}/readyz`);
    const metrics = await fetch(`http://127.0.0.1:${policy.ports.ops}/metrics`);
    expect([ready.status, await metrics.text()]).toEqual([
      200,
      expect.stringContaining('sluice_policy_snapshot_version{tenant="demo"}'),
    ]);
    expect(await policy.child.end("SIGTERM")).toBe(0);
    expect(policy.child.output()).not.toContain(OPERATOR_TOKEN);
  });

  it("makes nobody's tenants without a folder: the demo's files are the demo's alone", async () => {
    await using other = await startNats();
    await using policy = await start({ NATS_URL: other.url("policy"), POLICY_DOCUMENTS_DIR: "" });
    expect(await call(policy, "/v1/tenants")).toMatchObject({ status: 200, body: { tenants: [] } });
  });

  it("keeps its tenants, versions and epochs over a restart", async () => {
    const epochs: unknown[] = [];
    for (let round = 0; round < 2; round += 1) {
      await using policy = await start({ POLICY_DOCUMENTS_DIR: DEMO_DOCUMENTS });
      const { body } = await call(policy, "/v1/tenants/demo/policy");
      await withStreams(async (manager) => {
        const { config } = await manager.streams.info("EVENTS_demo");
        epochs.push([body["version"], body["build"], config.metadata?.["sluice_epoch"]]);
      });
      await policy.child.end("SIGTERM");
    }
    expect(epochs[0]).toEqual([expect.any(Number), expect.any(String), expect.stringMatching(/^[0-9a-f]{12}$/)]);
    expect(epochs[1]).toEqual(epochs[0]);
  });

  it("tells all wrong settings at once", async () => {
    const wrong = { POLICY_OPERATOR_TOKEN: "short", POLICY_HISTORY_MAX_BYTES: "1", NATS_URL: "" };
    await expect(start(wrong)).rejects.toThrow(
      /NATS_URL is not set[^]*POLICY_OPERATOR_TOKEN: must be[^]*POLICY_HISTORY_MAX_BYTES/,
    );
  });

  it.each([
    ["metadata has no sluice_epoch", { metadata: {} }],
    ["allow_msg_ttl is on", { allow_msg_ttl: true }],
    ["retention is not limits", { retention: RetentionPolicy.Workqueue }],
    ["subjects are not events.wrong.> and control.wrong.>", { subjects: ["events.wrong.>"] }],
  ])("refuses to boot on a log that cannot be repaired: its %s", async (message, setting) => {
    await using policy = await start();
    await call(policy, "/v1/tenants/wrong", { method: "PUT" });
    await policy.child.end("SIGTERM");
    await withStreams(async (manager) => {
      const { config } = await manager.streams.info("EVENTS_wrong");
      await manager.streams.delete("EVENTS_wrong");
      await manager.streams.add({ ...config, ...setting });
    });
    await expect(start()).rejects.toThrow(message);
    await withStreams((manager) => manager.streams.delete("EVENTS_wrong"));
  });

  it("ends with 0 on SIGTERM also while the broker is gone", async () => {
    await using policy = await start();
    await nats.stop();
    const [code] = await Promise.all([policy.child.end("SIGTERM"), nats.start()]);
    expect(code).toBe(0);
  });

  it("says which variable frees a port that is taken", async () => {
    await using policy = await start();
    const { http, grpc, ops } = policy.ports;
    await expect(start({ POLICY_HTTP_PORT: String(http) })).rejects.toThrow("POLICY_HTTP_PORT");
    await expect(start({ POLICY_GRPC_PORT: String(grpc) })).rejects.toThrow("POLICY_GRPC_PORT");
    await expect(start({ POLICY_OPS_PORT: String(ops) })).rejects.toThrow("POLICY_OPS_PORT");
  });
});
