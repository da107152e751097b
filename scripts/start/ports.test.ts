import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "#test/support/ports.ts";
import { DEFAULT_PORTS, type DemoPorts } from "../demo-settings.ts";
import { readPorts } from "../shared/read-ports.ts";
import { requireFreePorts } from "./ports.ts";

test("ports are those of the environment, else the defaults", () => {
  expect(readPorts({ NATS_PORT: "14222", REDIS_PORT: "" })).toEqual({ ...DEFAULT_PORTS, NATS_PORT: 14_222 });
});

test.each(["0", "65536", "-1", "80.5", "http", "0x1F90", "1e3", " 80 "])(
  "%s is no port, and its variable is named",
  (text) => {
    expect(() => readPorts({ AUTH_HTTP_PORT: text, NATS_PORT: text })).toThrow("AUTH_HTTP_PORT, NATS_PORT");
  },
);

test("one error names each port that is taken and the variable that moves it", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const free = await freePorts();
  await expect(requireFreePorts(free)).resolves.toBeUndefined();
  const refusal = requireFreePorts({ ...free, NATS_PORT: port, AUTH_OPS_PORT: free.REDIS_PORT });
  await expect(refusal).rejects.toThrow(
    `  port ${port} is in use: set NATS_PORT to a free one\n` +
      `  port ${free.REDIS_PORT} is AUTH_OPS_PORT too: set REDIS_PORT to a free one`,
  );
  server.close();
});

async function freePorts(): Promise<DemoPorts> {
  const names = Object.keys(DEFAULT_PORTS);
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()]))) as DemoPorts;
}
