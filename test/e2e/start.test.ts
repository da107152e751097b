import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DEFAULT_PORTS } from "../../scripts/demo-settings.ts";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { accepts } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";

const PORTS = Object.keys(DEFAULT_PORTS);

test("the demo starts on ports of its own, lets alice in, keeps her session over a restart, and leaves nothing running", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-start-"));
  const ports: Record<string, number> = {};
  for (const variable of PORTS) ports[variable] = await freePort();
  const env = { ...Object.fromEntries(PORTS.map((name) => [name, String(ports[name])])), SLUICE_DATA_DIR: folder };

  const first = await start(env);
  const token = await login(ports["AUTH_HTTP_PORT"]);
  expect(await openStream(ports["STREAM_HTTP_PORT"], token)).toContain("event: ready");
  expect(await first.end("SIGTERM")).toBe(0);
  for (const port of Object.values(ports)) expect(await accepts(port)).toBe(false);

  const second = await start(env);
  expect(await openStream(ports["STREAM_HTTP_PORT"], token)).toContain("event: ready");
  const third = startChild(process.execPath, ["scripts/start.ts"], env);
  await waitFor("a second stack on the same ports is refused", () => third.process.exitCode === 1);
  expect(third.output()).toContain(`port ${ports["NATS_PORT"]} is in use: set NATS_PORT to a free one`);
  expect(await second.end("SIGINT")).toBe(0);
  await rm(folder, { recursive: true });
}, 150_000);

async function start(env: NodeJS.ProcessEnv): Promise<ReturnType<typeof startChild>> {
  const child = startChild(process.execPath, ["scripts/start.ts"], env);
  await waitFor(
    "the demo runs",
    () => {
      if (child.process.exitCode !== null) throw new Error(child.output());
      return child.output().includes("Ctrl-C stops everything");
    },
    60_000,
  );
  return child;
}

async function login(port: number | undefined): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant: "demo", username: "alice", password: "sluice-demo" }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

/** The first frames of a stream. */
async function openStream(port: number | undefined, token: string): Promise<string> {
  const leave = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/v1/stream?topic=issues.%3E`, {
    headers: { authorization: `Bearer ${token}` },
    signal: leave.signal,
  });
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes("event: ready")) break;
  }
  leave.abort();
  return text;
}
