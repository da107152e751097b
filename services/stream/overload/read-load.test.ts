import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { readProcessLimits, startLoadReader } from "./read-load.ts";

test("a loop whose every turn takes long is late, and one that is prompt behind a stall is not", async () => {
  using reader = startLoadReader(readProcessLimits());
  const turn = (ms: number): Promise<void> => {
    for (const end = performance.now() + ms; performance.now() < end;);
    return new Promise((resolve) => setTimeout(resolve));
  };
  await turn(0);
  reader.read();
  for (let index = 0; index < 5; index += 1) await turn(60);
  const slow = reader.read().loopDelayMs;
  expect(slow).toBeGreaterThan(30);
  await turn(slow * 4);
  // Most of the turns between two readings are prompt, though one is not.
  await waitFor("prompt turns behind a stall", async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return reader.read().loopDelayMs < slow / 2;
  });
});

test("memory is the share of the limit that is nearer", () => {
  const rss = process.memoryUsage.rss();
  using near = startLoadReader({ memoryBytes: rss, descriptors: 1 });
  using far = startLoadReader({ memoryBytes: Number.POSITIVE_INFINITY, descriptors: 1 });
  expect(near.read().memory).toBeGreaterThan(0.8);
  expect(far.read().memory).toBeGreaterThan(0);
  expect(far.read().memory).toBeLessThan(0.8);
});

test.runIf(process.platform === "linux")("descriptors are counted against their limit", async () => {
  using reader = startLoadReader({ memoryBytes: 1, descriptors: 1 });
  expect(reader.read().descriptors).toBeGreaterThan(3);
  // What other files have left behind in this process may be closed meanwhile.
  await waitFor("fifty more are counted", async () => {
    const before = reader.read().descriptors;
    const servers: Server[] = Array.from({ length: 50 }, () => createServer().listen(0, "127.0.0.1"));
    await Promise.all(servers.map((server) => once(server, "listening")));
    const more = reader.read().descriptors - before;
    for (const server of servers) server.close();
    return more >= 50;
  });
  expect(readProcessLimits().descriptors).toBeGreaterThan(100);
});

test("a limit of memory that is given counts, and without any there is none", () => {
  expect(readProcessLimits(1_000).memoryBytes).toBe(1_000);
  expect(readProcessLimits().memoryBytes).toBeGreaterThan(1e6);
});
