import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { readStreamConfig } from "./config.ts";

const NATS_URL = "nats://stream:secret@127.0.0.1:4222";

describe("the edge's settings", () => {
  test("need nothing but the bus", () => {
    expect(readStreamConfig({ NATS_URL })).toMatchObject({
      NATS_URL: { user: "stream", password: "secret", servers: [{ host: "127.0.0.1", port: 4222 }] },
      STREAM_BIND_ADDRESS: "127.0.0.1",
      STREAM_HTTP_PORT: 8080,
      STREAM_OPS_PORT: 8090,
      STREAM_ALLOWED_ORIGINS: [],
      STREAM_MAX_CONNECTIONS: 19_000,
      STREAM_WORKERS: 1,
      AUTH_GRPC_URL: "127.0.0.1:7001",
      POLICY_GRPC_URL: "127.0.0.1:7002",
      SLUICE_DEMO: "0",
    });
  });

  test("cannot be changed afterwards", () => {
    expect(Object.isFrozen(readStreamConfig({ NATS_URL }))).toBe(true);
  });

  test("are refused with every fault at once, each by its name", () => {
    const read = () =>
      readStreamConfig({
        STREAM_HTTP_PORT: "http",
        STREAM_OPS_PORT: "65536",
        STREAM_ALLOWED_ORIGINS: "*",
        STREAM_MAX_CONNECTIONS: "0",
        STREAM_FLUSH_MS: "51",
        AUTH_GRPC_URL: "http://127.0.0.1:7001",
        SLUICE_DEMO: "true",
        LOG_LEVEL: "loud",
      });
    const names = [
      "NATS_URL is not set",
      "STREAM_HTTP_PORT:",
      "STREAM_OPS_PORT:",
      "STREAM_ALLOWED_ORIGINS",
      "LOG_LEVEL:",
    ];
    names.push("STREAM_MAX_CONNECTIONS:", "STREAM_FLUSH_MS:", "AUTH_GRPC_URL: must be host:port", "SLUICE_DEMO:");
    for (const name of names) expect(read).toThrow(name);
    expect(read).toThrow(expect.objectContaining({ name: "BootError" }));
  });

  test("that are empty count as not set", () => {
    expect(readStreamConfig({ NATS_URL, STREAM_HTTP_PORT: "" }).STREAM_HTTP_PORT).toBe(8080);
    expect(() => readStreamConfig({ NATS_URL: "" })).toThrow("NATS_URL is not set");
  });

  test.each([
    ["STREAM_HTTP_PORT", "0", "65535", "-1", "65536"],
    ["STREAM_MAX_CONNECTIONS", "1", "1000000", "0", "1000001"],
    ["STREAM_WORKERS", "1", "256", "0", "257"],
    ["STREAM_FLUSH_MS", "0", "50", "-1", "51"],
    ["STREAM_HANDSHAKE_MS", "100", "60000", "99", "60001"],
    ["STREAM_EVENT_MAX_BYTES", "1024", "67108864", "1023", "67108865"],
    ["STREAM_DRAIN_MS", "0", "600000", "-1", "600001"],
    ["STREAM_IDLE_SECONDS", "0", "31622400", "-1", "31622401"],
    ["STREAM_IDLE_END_SECONDS", "0", "31622400", "-1", "31622401"],
    ["STREAM_MAX_AGE_SECONDS", "0", "31622400", "-1", "31622401"],
    ["STREAM_MEMORY_BYTES", "67108864", "64000000000000", "67108863", "64000000000001"],
  ])("take %s from %s to %s", (name, least, most, tooLow, tooHigh) => {
    for (const value of [least, most])
      expect(readStreamConfig({ NATS_URL, [name]: value })).toHaveProperty(name, Number(value));
    for (const value of [tooLow, tooHigh, "1.5", "ten"])
      expect(() => readStreamConfig({ NATS_URL, [name]: value })).toThrow(name);
  });

  test("take a worker for each core", () => {
    expect(readStreamConfig({ NATS_URL, STREAM_WORKERS: "auto" }).STREAM_WORKERS).toBe(availableParallelism());
  });

  test.each(["127.0.0.1:4222", "http://127.0.0.1:4222", "nats"])("take no bus at %s", (url) => {
    expect(() => readStreamConfig({ NATS_URL: url })).toThrow("NATS_URL");
  });
});
