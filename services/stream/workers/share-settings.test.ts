import { describe, expect, test } from "vitest";
import { shareSettings } from "./share-settings.ts";

describe("workers", () => {
  test("share connections and memory to the last one, and the port", () => {
    const shares = sharesOf(3, 19_000, 256 * 1024 * 1024);
    expect(shares.map((share) => share["STREAM_MAX_CONNECTIONS"])).toEqual(["6334", "6333", "6333"]);
    expect(sum(shares.map((share) => share["STREAM_TAIL_BYTES"]))).toBe(256 * 1024 * 1024);
    expect(sum(shares.map((share) => share["STREAM_HISTORY_TENANT_BYTES_PER_MINUTE"]))).toBe(256 * 1024 * 1024);
    expect(shares.map((share) => share["STREAM_HTTP_PORT"])).toEqual(["4711", "4711", "4711"]);
  });

  test("are single ones themselves, and keep what is not shared", () => {
    expect(sharesOf(2, 10, 10_000_000)[0]).toMatchObject({ STREAM_WORKERS: "1", NATS_URL: "nats://x" });
  });

  test("share limits with all workers of the installation, by default with those of their own process", () => {
    expect(sharesOf(3, 10, 10_000_000)[0]).toMatchObject({ STREAM_LIMITS_SHARED_BY: "3" });
    expect(sharesOf(3, 10, 10_000_000, undefined, 12)[0]).toMatchObject({ STREAM_LIMITS_SHARED_BY: "12" });
  });

  test("share the memory that they may use", () => {
    const shares = sharesOf(2, 10, 10_000_000, 1_000_000_001);
    expect(shares.map((share) => share["STREAM_MEMORY_BYTES"])).toEqual(["500000001", "500000000"]);
  });

  test("get no less than a connection and a small tail", () => {
    const [, last] = sharesOf(2, 1, 1_000_000);
    expect(last).toMatchObject({ STREAM_MAX_CONNECTIONS: "1", STREAM_TAIL_BYTES: "1000000" });
  });
});

function sharesOf(
  workers: number,
  connections: number,
  bytes: number,
  memory?: number,
  all?: number,
): NodeJS.ProcessEnv[] {
  const config = {
    STREAM_WORKERS: workers,
    STREAM_MAX_CONNECTIONS: connections,
    STREAM_TAIL_BYTES: bytes,
    STREAM_HISTORY_SUBJECT_BYTES_PER_MINUTE: bytes,
    STREAM_HISTORY_TENANT_BYTES_PER_MINUTE: bytes,
    STREAM_MEMORY_BYTES: memory,
    STREAM_LIMITS_SHARED_BY: all,
  };
  return Array.from({ length: workers }, (_, index) => shareSettings({ NATS_URL: "nats://x" }, config, index, 4711));
}

function sum(values: readonly (string | undefined)[]): number {
  return values.reduce((total, value) => total + Number(value), 0);
}
