import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DemoPorts } from "../../scripts/demo-settings.ts";
import { readPorts } from "../../scripts/shared/read-ports.ts";
import { requireFreePorts } from "../../scripts/start/ports.ts";
import { startChild } from "#test/support/child.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { accepts } from "../../scripts/shared/accepts.ts";
import { waitFor } from "#test/support/wait.ts";

/** Below it there are ports that the kernel gives to nobody by itself. */
const MAX_OFFSET = 20_000;

test("the demo starts on ports that a file moves, lets alice in, keeps her session over a restart, and leaves nothing running", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-start-"));
  const { offset, ports } = await findFreePorts();
  const file = join(folder, ".env");
  await writeFile(file, `SLUICE_PORT_OFFSET=${offset}\nSLUICE_DATA_DIR=${folder}\n`);
  const env = { SLUICE_ENV_FILE: file };

  const first = await start(env);
  const token = await login(ports.AUTH_HTTP_PORT);
  expect(await openStream(ports.STREAM_HTTP_PORT, token)).toContain("event: ready");
  const running = await sluice(["config", "list", "stream", "--running", "--set", "--json"], {
    env: { SLUICE_PORT_OFFSET: String(offset) },
  });
  expect(running.out.map((line) => JSON.parse(line) as unknown)).toContainEqual(
    expect.objectContaining({ name: "STREAM_HTTP_PORT", value: String(ports.STREAM_HTTP_PORT), source: "environment" }),
  );
  expect(await first.end("SIGTERM")).toBe(0);
  for (const port of Object.values(ports)) expect(await accepts(port)).toBe(false);

  const second = await start(env);
  expect(await openStream(ports.STREAM_HTTP_PORT, token)).toContain("event: ready");
  const third = startChild(process.execPath, ["scripts/start.ts"], env);
  await waitFor("a second stack on the same ports is refused", () => third.process.exitCode === 1);
  expect(third.output()).toContain(`port ${ports.NATS_PORT} is in use: set NATS_PORT to a free one`);
  expect(first.output()).toContain(`SLUICE_PORT_OFFSET=${offset} npx sluice demo publish`);
  expect(await second.end("SIGINT")).toBe(0);
  await rm(folder, { recursive: true });
}, 150_000);

/** An offset by which no port of the demo is taken. */
async function findFreePorts(): Promise<{ offset: number; ports: DemoPorts }> {
  for (let attempt = 1; ; attempt += 1) {
    const offset = 1_000 + Math.floor(Math.random() * MAX_OFFSET);
    const ports = readPorts({ SLUICE_PORT_OFFSET: String(offset) });
    const isFree = await requireFreePorts(ports).then(
      () => true,
      () => false,
    );
    if (isFree) return { offset, ports };
    if (attempt === 50) throw new Error("no offset leaves the demo's ports free");
  }
}

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
