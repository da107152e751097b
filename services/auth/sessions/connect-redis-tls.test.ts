import { expect, test } from "vitest";
import { freePort } from "#test/support/ports.ts";
import { startRedis } from "#test/support/start-redis.ts";
import { createTestCertificates } from "#test/support/tls.ts";
import { connectRedis } from "./connect-redis.ts";
import { readRedisSettings } from "./redis-settings.ts";

const failureOf = (env: NodeJS.ProcessEnv): Promise<string> =>
  connectRedis(readRedisSettings(env)).then(
    (redis) => (redis.disconnect(), "none"),
    ({ name, message }: Error) => `${name}: ${message}`,
  );

test("Redis over TLS is used with an own authority and a client's certificate, and refused with words without them", async () => {
  await using certificates = await createTestCertificates();
  const of = await certificates.issue("redis", { dnsName: "localhost" });
  const mine = await certificates.issue("auth");
  const port = await freePort();
  const files = ["--tls-cert-file", of.GRPC_TLS_CERT_FILE, "--tls-key-file", of.GRPC_TLS_KEY_FILE];
  const more = ["--tls-port", String(port), ...files, "--tls-ca-cert-file", of.GRPC_TLS_CA_FILE];
  await using server = await startRedis({ more });
  const env = {
    REDIS_URL: `rediss://auth:test@localhost:${port}/1`,
    REDIS_TLS_CA_FILE: mine.GRPC_TLS_CA_FILE,
    REDIS_TLS_CERT_FILE: mine.GRPC_TLS_CERT_FILE,
    REDIS_TLS_KEY_FILE: mine.GRPC_TLS_KEY_FILE,
  };
  expect(await failureOf(env)).toBe("none");
  expect(await failureOf({ ...env, REDIS_TLS_CA_FILE: "" })).toMatch(/^BootError.*certificate.*REDIS_TLS_CA_FILE/);
  expect(await failureOf({ ...env, REDIS_URL: `rediss://auth:test@127.0.0.1:${port}` })).toMatch(/REDIS_TLS_CA_FILE/);
  const without = { ...env, REDIS_TLS_CERT_FILE: "", REDIS_TLS_KEY_FILE: "" };
  expect(await failureOf(without)).toMatch(/^BootError.*REDIS_TLS_CERT_FILE/);
  expect(await failureOf({ ...env, REDIS_TLS_KEY_FILE: "" })).toMatch(/are set together/);
  expect(await failureOf({ ...env, REDIS_TLS_KEY_FILE: of.GRPC_TLS_KEY_FILE })).toMatch(/is not the key of/);
  expect(await failureOf({ ...env, REDIS_TLS_CA_FILE: "/missing" })).toMatch(/^BootError: REDIS_TLS_CA_FILE.*ENOENT/);
  expect(await failureOf({ ...env, REDIS_URL: server.url })).toMatch(/without TLS; begin it with rediss:/);
  expect(await failureOf({ ...env, REDIS_URL: server.url.replace("redis:", "rediss:") })).toMatch(
    /only where the server speaks TLS/,
  );
  expect(await failureOf({ REDIS_URL: `redis://auth:test@localhost:${port}` })).toMatch(/^BootError.*REDIS_URL/);
});
