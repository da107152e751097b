import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { remoteKeys } from "#shared/tokens/remote-keys.ts";
import { verifyAccessToken } from "#shared/tokens/verify-access-token.ts";
import { authSettings, DEMO_PASSWORD, startAuthStack } from "#test/support/start-auth.ts";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { accepts } from "#test/support/takes-connections.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { startService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

let nats: NatsServer;
let redis: RedisServer;

beforeAll(async () => {
  [nats, redis] = await Promise.all([startNats(), startRedis()]);
});
afterAll(async () => {
  await nats[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

/** Why auth does not start with these settings. */
async function refusalOf(env: NodeJS.ProcessEnv): Promise<string> {
  return startService("auth", { ...authSettings(nats, redis), ...env }).then(
    () => "it started",
    (error: Error) => error.message,
  );
}

describe("auth", () => {
  test("serves, tells its health, and ends with 0 on SIGTERM, with or without its servers", async () => {
    for (const isCutOff of [false, true]) {
      await using stack = await startAuthStack();
      const ops = `http://127.0.0.1:${stack.auth.ports.ops}`;
      expect((await fetch(`${ops}/readyz`)).status).toBe(200);
      expect((await fetch(`${ops}/healthz`)).status).toBe(200);
      if (isCutOff) await Promise.all([stack.nats.stop("SIGKILL"), stack.redis.stop("SIGKILL")]);
      expect(await stack.auth.child.end("SIGTERM")).toBe(0);
    }
  });

  test("tells the age of its keys", async () => {
    await using stack = await startAuthStack();
    const metrics = await (await fetch(`http://127.0.0.1:${stack.auth.ports.ops}/metrics`)).text();
    for (const state of ["signing", "published"]) {
      expect(metrics).toMatch(
        new RegExp(`^sluice_auth_key_age_seconds\\{kid="[\\w-]{43}",state="${state}"\\} \\d`, "m"),
      );
    }
    expect(metrics).toMatch(/^sluice_auth_key_ring_faulty 0$/m);
  });

  test("signs with Ed25519 by setting", async () => {
    await using stack = await startAuthStack({ AUTH_SIGNING_ALGORITHM: "EdDSA" });
    const body = JSON.stringify({ tenant: "demo", username: "alice", password: DEMO_PASSWORD });
    const response = await fetch(`${stack.url}/v1/auth/login`, { method: "POST", body });
    const { access_token: token } = (await response.json()) as { access_token: string };
    expect(decodeProtectedHeader(token).alg).toBe("EdDSA");
    const keys = remoteKeys(`${stack.url}/.well-known/jwks.json`);
    const expected = { issuer: "http://localhost:8081", audience: "sluice" };
    expect(await verifyAccessToken(token, keys, expected)).toMatchObject({ sub: "alice", tenant_id: "demo" });
  });

  test("keeps passwords and tokens out of its log at every level", async () => {
    await using stack = await startAuthStack({ LOG_LEVEL: "trace" });
    const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
      const request = { method: "POST", body: JSON.stringify(body), headers };
      const text = await (await fetch(`${stack.url}/v1/auth/${path}`, request)).text();
      return (text === "" ? {} : JSON.parse(text)) as { access_token: string; refresh_token: string };
    };
    const account = { tenant: "demo", username: "alice" };
    await post("login", { ...account, password: "not-the-password" });
    const first = await post("login", { ...account, password: DEMO_PASSWORD });
    const second = await post("refresh", first);
    const third = await post("refresh", second);
    await post("refresh", first);
    await post("logout?token=in-the-url", {}, { authorization: `Bearer ${third.access_token}` });
    await post("logout", {}, { cookie: `auth_token=${third.access_token}; refresh_token=${third.refresh_token}` });
    await expect.poll(() => stack.auth.child.output()).toContain("a spent refresh token came back");
    const log = stack.auth.child.output();
    const macs = [first, second, third].map(({ refresh_token }) => refresh_token.split(".")[2]!);
    const signatures = [first, second, third].map(({ access_token }) => access_token.split(".")[2]!);
    const secrets = ["not-the-password", DEMO_PASSWORD, "in-the-url", "$argon2id", ":test@", ...macs, ...signatures];
    for (const secret of secrets) expect(log).not.toContain(secret);
  });
});

describe("auth refuses to start and says why", () => {
  test("with every wrong setting in one message", async () => {
    const wrong = { AUTH_HTTP_PORT: "http", AUTH_USERS_FILE: "", AUTH_SESSION_SECONDS: "0", AUTH_ISSUER: "me" };
    const more = { AUTH_ALLOWED_ORIGINS: "https://app.example/path", NATS_URL: "", REDIS_URL: "http://127.0.0.1" };
    const message = await refusalOf({ ...wrong, ...more });
    for (const name of Object.keys({ ...wrong, ...more })) expect(message).toContain(name);
    expect(message).not.toContain("    at ");
  });

  test("without a key to encrypt its keys with, unless it is the demo", async () => {
    expect(await refusalOf({ AUTH_KEY_ENCRYPTION_KEY: "" })).toContain("set AUTH_KEY_ENCRYPTION_KEY_FILE or");
    await using bus = await startNats();
    const demo = { NATS_URL: bus.url("auth"), AUTH_KEY_ENCRYPTION_KEY: "", SLUICE_DEMO: "1" };
    await using _auth = await startService("auth", { ...authSettings(nats, redis), ...demo });
    expect(await refusalOf({ NATS_URL: bus.url("auth") })).toContain("was encrypted with another key");
  });

  test("with a broken users' file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-users-"));
    const path = join(folder, "users.yaml");
    await writeFile(path, "- { tenant: acme, username: ann, password: plain }");
    expect(await refusalOf({ AUTH_USERS_FILE: path })).toContain("0.password: must be an argon2id hash");
    await rm(folder, { recursive: true });
  });

  test("with a Redis that evicts", async () => {
    await using evicting = await startRedis({ maxmemoryPolicy: "allkeys-lru" });
    expect(await refusalOf({ REDIS_URL: evicting.url })).toContain("maxmemory-policy must be noeviction");
  });

  test("with a Redis that keeps no append-only file", async () => {
    await using forgetful = await startRedis({ appendonly: "no" });
    expect(await refusalOf({ REDIS_URL: forgetful.url })).toContain("appendonly must be yes");
  });

  test("with a password that NATS does not take, without telling it", async () => {
    const message = await refusalOf({ NATS_URL: `nats://auth:hunter2@127.0.0.1:${nats.port}` });
    expect(message).toContain("check NATS_URL");
    expect(message).not.toContain("hunter2");
  });

  test("with an older NATS", async () => {
    const older = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes) => bytes.includes("PING") && socket.write("PONG\r\n"));
      socket.write('INFO {"server_id":"old","version":"2.11.9","proto":1,"headers":true,"max_payload":1048576}\r\n');
    });
    const port = await freePort();
    older.listen(port, "127.0.0.1");
    expect(await refusalOf({ NATS_URL: `nats://127.0.0.1:${port}` })).toContain("NATS 2.12 or newer is needed");
    older.close();
  });

  test("with a NATS without JetStream", async () => {
    const port = await freePort();
    const bare = startChild("nats-server", ["-a", "127.0.0.1", "-p", String(port)], {});
    await waitFor("nats-server listens", () => accepts(port));
    expect(await refusalOf({ NATS_URL: `nats://127.0.0.1:${port}` })).toContain("JetStream");
    await bare.end("SIGKILL");
  });

  test("with a port that is taken", async () => {
    const message = await refusalOf({ AUTH_HTTP_PORT: String(redis.port) });
    expect(message).toContain("set AUTH_HTTP_PORT to a free port");
  });
});
