import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { projectPath } from "../shared/project-folder.ts";
import { runCommand } from "../shared/run-command.ts";

/** Nothing listens there. */
const CLOSED = ["AUTH", "POLICY", "PUBLISH"].map((service) => `${service}_OPS_PORT=1`);

async function check(port: number): Promise<number | null> {
  const program = projectPath("infra", "docker", "healthcheck.mjs");
  return (await runCommand("env", [...CLOSED, `STREAM_OPS_PORT=${port}`, process.execPath, program])).code;
}

test("the image's health check asks the one service that runs, wherever its port of operations is", async () => {
  let status = 200;
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/readyz" ? status : 404).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    expect(await check(port)).toBe(0);
    status = 503;
    expect(await check(port)).toBe(1);
  } finally {
    server.close();
  }
  // Nothing runs, as where a service has not started yet.
  expect(await check(1)).toBe(1);
});
