import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { createMetricsRegistry } from "./registry.ts";

const countOf = async (registry: ReturnType<typeof createMetricsRegistry>): Promise<number> =>
  Number(/^process_open_fds (\d+)$/m.exec(await registry.metrics())?.[1]);

test.runIf(process.platform === "linux")("a service's metrics count its descriptors", async () => {
  const registry = createMetricsRegistry();
  const before = await countOf(registry);
  const servers = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  expect(await countOf(registry)).toBeGreaterThanOrEqual(before + 15);
  for (const server of servers) server.close();
});

test("a service's metrics hold none that looks at every connection in one step", async () => {
  expect(await createMetricsRegistry().metrics()).not.toContain("nodejs_active_handles");
});
