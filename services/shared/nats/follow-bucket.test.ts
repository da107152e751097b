import type { KV, KvEntry } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { getEventListeners } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import { followBucket } from "./follow-bucket.ts";
import { openBucket } from "./open-bucket.ts";

test("a watch that fails leaves nothing behind at the signal by which the bucket is not followed any more", async () => {
  const stop = new AbortController();
  const listening: number[] = [];
  const troubles: unknown[] = [];
  const watch = async () => {
    listening.push(getEventListeners(stop.signal, "abort").length);
    if (listening.length > 1) stop.abort();
    const next = () => Promise.reject(new Error("the consumer is lost"));
    return { stop: () => undefined, [Symbol.asyncIterator]: () => ({ next }) };
  };
  const follower = { onEntry: () => undefined, onTrouble: (error: unknown) => void troubles.push(error) };
  const status = async function* () {};
  await followBucket({ status }, { watch } as unknown as KV, { ...follower, stop: stop.signal });
  expect(listening).toEqual([0, 0]);
  expect(troubles).toHaveLength(1);
});

test("a bucket that came back as an older copy is told anew, and what is stored in it since, whatever had been told", async () => {
  await using server = await startNats();
  const servers = `127.0.0.1:${server.port}`;
  const nats = await connect({
    servers,
    user: "auth",
    pass: "test",
    inboxPrefix: "_INBOX.auth",
    reconnectTimeWait: 100,
  });
  const kv = await openBucket(nats, "sluice_keys", { replicas: 1, room: { reserved: 1e6 } });
  const put = (key: string, value: string) =>
    waitFor(`${key} is stored`, () => kv.put(key, value).catch(() => undefined));
  await put("old", "kept");
  await server.stop();
  const copy = await mkdtemp(`${server.storeDir}-copy-`);
  await cp(server.storeDir, copy, { recursive: true });
  await server.start();
  const stop = new AbortController();
  const told: string[] = [];
  const onEntry = (entry: KvEntry) => void told.push(`${entry.key} ${entry.string()}`);
  const following = followBucket(nats, kv, { onEntry, onTrouble: () => undefined, stop: stop.signal });
  for (let n = 0; n < 20; n += 1) await put("old", `lost ${n}`);
  await waitFor("what is lost was told", () => told.includes("old lost 19"));
  await server.stop("SIGKILL");
  await rm(server.storeDir, { recursive: true });
  await cp(copy, server.storeDir, { recursive: true });
  await rm(copy, { recursive: true });
  told.length = 0;
  await server.start();
  await put("new", "since");
  await waitFor("all is told", () => told.includes("old kept") && told.includes("new since"));
  stop.abort();
  await following;
  await nats.close();
});
