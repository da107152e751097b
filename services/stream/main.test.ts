import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startIssuer } from "#test/support/start-issuer.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RunningService, startService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

let nats: NatsServer;

beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats[Symbol.asyncDispose]());

describe("the edge", () => {
  test("starts with Node itself, tells its health, and ends cleanly on SIGTERM", async () => {
    await using issuer = await startIssuer();
    await using edge = await start({ AUTH_JWKS_URL: issuer.jwksUri });
    const ops = `http://127.0.0.1:${edge.ports.ops}`;
    expect((await fetch(`${ops}/healthz`)).status).toBe(200);
    expect((await fetch(`${ops}/readyz`)).status).toBe(200);
    const metrics = await fetch(`${ops}/metrics`);
    expect(metrics.headers.get("content-type")).toContain("openmetrics-text");
    expect(await metrics.text()).toMatch(/^sluice_stream_connections 0$/m);
    expect(await (await fetch(`${ops}/debug/connections`)).json()).toEqual([]);
    expect(await edge.child.end("SIGTERM")).toBe(0);
  });

  test("names every wrong setting in one message", async () => {
    const failed = start({
      NATS_URL: "http://x",
      STREAM_HTTP_PORT: "99999",
      STREAM_FLUSH_MS: "soon",
      AUTH_GRPC_URL: "auth",
    });
    await expect(failed).rejects.toThrow(/NATS_URL[\s\S]*STREAM_HTTP_PORT[\s\S]*STREAM_FLUSH_MS[\s\S]*AUTH_GRPC_URL/);
  });

  test("says which variable to change when its port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise<void>((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    await expect(start({ STREAM_HTTP_PORT: String(port) })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port} (EADDRINUSE); set STREAM_HTTP_PORT to a free port`,
    );
    taken.close();
  });

  test("refuses a NATS that is too old, has no JetStream, or is not there", async () => {
    await using old = await fakeNats("2.11.9", true);
    await expect(start({ NATS_URL: `nats://127.0.0.1:${old.port}` })).rejects.toThrow(
      "NATS 2.12 or newer is needed, this server is 2.11.9",
    );
    await using plain = await fakeNats("2.15.1", false);
    await expect(start({ NATS_URL: `nats://127.0.0.1:${plain.port}` })).rejects.toThrow(
      "JetStream does not answer this user",
    );
    await expect(start({ NATS_URL: "nats://127.0.0.1:1" })).rejects.toThrow("cannot connect to NATS at 127.0.0.1:1");
    await expect(start({ NATS_URL: nats.url("stream").replace(":test@", ":wrong@") })).rejects.toThrow(
      "cannot connect to NATS",
    );
  });

  test("serves the demo's page only in the demo", async () => {
    await using plain = await start();
    expect((await fetch(`http://127.0.0.1:${plain.ports.http}/demo`)).status).toBe(404);
    await using demo = await start({ SLUICE_DEMO: "1" });
    const page = await fetch(`http://127.0.0.1:${demo.ports.http}/demo`);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  });
});

describe("the edge with workers", () => {
  test("does not start when they cannot, and says why", async () => {
    const NATS_URL = "nats://127.0.0.1:1";
    const failed = start({ STREAM_WORKERS: "2", NATS_URL }).catch(({ message }: Error) => message);
    expect(await failed).toContain("cannot connect to NATS at 127.0.0.1:1");
    expect(await failed).toContain("worker 0 of 2 does not run (code 1); it said why above");
  });

  test("takes no port that somebody has, be it another edge whose workers share it", async () => {
    await using first = await start({ STREAM_WORKERS: "2" });
    const port = String(first.ports.http);
    await expect(start({ STREAM_WORKERS: "2", STREAM_HTTP_PORT: port })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port} (EADDRINUSE); set STREAM_HTTP_PORT to a free port`,
    );
  });

  test("lives on without one that does not come up again, and ends when none does", async () => {
    await using edge = await start({ STREAM_WORKERS: "2" });
    const pids = await childPids(edge);
    await nats.stop();
    process.kill(pids[0] ?? 0, "SIGKILL");
    await waitFor("its successors died", () => edge.child.output().split("started again").length > 3);
    expect((await fetch(`http://127.0.0.1:${edge.ports.ops}/healthz`)).status).toBe(200);
    process.kill(pids[1] ?? 0, "SIGKILL");
    await waitFor("the edge ends", () => edge.child.process.exitCode !== null, 40_000);
    await nats.start();
    expect(edge.child.process.exitCode).toBe(1);
    expect(edge.child.output()).toContain("stream cannot go on: cannot connect to NATS");
    expect(edge.child.output()).toMatch(/stream cannot go on: worker \d of 2 does not run \(code 1\)/);
  }, 90_000);
});

async function childPids({ child }: RunningService): Promise<number[]> {
  const pid = child.process.pid ?? 0;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.trim().split(" ").map(Number);
}

function start(env: NodeJS.ProcessEnv = {}): Promise<RunningService> {
  return startService("stream", { NATS_URL: nats.url("stream"), ...env });
}

/** A server that greets like NATS and answers pings: enough to be asked for its version. */
async function fakeNats(version: string, jetstream: boolean) {
  const info = { server_id: "fake", version, proto: 1, headers: true, max_payload: 1_048_576, jetstream };
  const server = createServer((socket) => {
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const text = chunk.toString();
      if (text.includes("PING")) socket.write("PONG\r\n");
      // Nobody is there to answer a request: a 503 to the reply subject, as a server without JetStream sends it.
      for (const [, reply] of text.matchAll(/^H?PUB \$JS\.API\.INFO (\S+)/gm)) {
        socket.write(`HMSG ${reply} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n`);
      }
    });
  }).listen(0, "127.0.0.1");
  await new Promise<void>((resolve) => server.once("listening", resolve));
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
