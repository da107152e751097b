import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "#test/support/ports.ts";
import { DEFAULT_PORTS, type DemoPorts, MAX_PORT_OFFSET } from "../demo-settings.ts";
import { readComposePorts, readPorts } from "../shared/read-ports.ts";
import { requireFreePorts } from "./ports.ts";

test("ports are those of the environment, else the defaults", () => {
  expect(readPorts({ NATS_PORT: "14222", REDIS_PORT: "" })).toEqual({ ...DEFAULT_PORTS, NATS_PORT: 14_222 });
});

test("an offset moves every port that has no variable of its own, so that two stacks share none", () => {
  const first = Object.values(readComposePorts({}));
  const second = Object.values(readComposePorts({ SLUICE_PORT_OFFSET: "10000" }));
  expect(new Set([...first, ...second]).size).toBe(2 * first.length);
  const own = readPorts({ SLUICE_PORT_OFFSET: "10000", NATS_PORT: "4223", REDIS_PORT: "" });
  expect(own).toMatchObject({ NATS_PORT: 4_223, REDIS_PORT: 16_379, STREAM_HTTP_PORT: 18_080 });
  expect(readComposePorts({ SLUICE_PORT_OFFSET: String(MAX_PORT_OFFSET) }).JAEGER_PORT).toBe(65_535);
});

test.each([String(MAX_PORT_OFFSET + 1), "-1", "1e4", "x"])("%s is no offset of ports", (text) => {
  expect(() => readPorts({ SLUICE_PORT_OFFSET: text })).toThrow("SLUICE_PORT_OFFSET must be a whole number from 0 to");
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
