import { glob, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { expressionsOf, metricsIn } from "#test/support/observed.ts";
import { complaintsOf, promtool } from "#test/support/promtool.ts";
import { publisherAt } from "#test/support/publisher.ts";
import { readMetrics } from "#test/support/read-metric.ts";
import { requireOk } from "#test/support/require-ok.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const SERVICES = ["auth", "policy", "publish", "stream", "webhooks"] as const;
/** What has metrics only where it is set: outside issuers, schemas, and traces, whose receiver is not there. */
const ISSUERS_AND_TRACES = {
  AUTH_ISSUERS_FILE: "infra/demo/issuers.yaml",
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
};

let stack: Stack;
let running: Record<(typeof SERVICES)[number], RunningService>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-metrics-"));
  stack = await startStack({ stream: { STREAM_WORKERS: "2" } });
  const [publish, webhooks] = await Promise.all([
    stack.startPublish({ ...ISSUERS_AND_TRACES, PUBLISH_SCHEMAS_DIR: folder, REDIS_URL: stack.redis.publishUrl }),
    stack.startEdge({ STREAM_ROLE: "webhooks", STREAM_WORKERS: "1" }),
  ]);
  running = { auth: stack.auth, policy: stack.policy, publish, stream: stack.edge, webhooks };
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function textOf(service: (typeof SERVICES)[number]): Promise<string> {
  const url = `http://127.0.0.1:${running[service].ports.ops}/metrics`;
  return (await fetch(url, { headers: { accept: "text/plain" } })).text();
}

/** The names of all metrics that the services have, with those that a histogram's samples have. */
async function exposed(): Promise<ReadonlyMap<string, string>> {
  const texts = await Promise.all(SERVICES.map(textOf));
  const types = texts.flatMap((text) => [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)]);
  return new Map(types.map(([, name = "", type = ""]) => [name, type]));
}

describe("the metrics of", () => {
  test.skipIf(promtool === undefined).each(SERVICES)("%s are as promtool wants them", async (service) => {
    expect(await complaintsOf(["check", "metrics"], await textOf(service))).toBe("");
  });
});

test("every metric of ours stands in the reference, and no other does", async () => {
  const pages: string[] = [];
  for await (const page of glob("docs/reference/metrics*.md")) pages.push(await readFile(page, "utf8"));
  const told = new Set(pages.flatMap((page) => [...page.matchAll(/`(sluice_\w+)/g)].map(([, name = ""]) => name)));
  const ours = [...(await exposed()).keys()].filter((name) => name.startsWith("sluice_"));
  expect([...told].toSorted()).toEqual(ours.toSorted());
});

test("alerts and dashboards read metrics that are there", async () => {
  const known = await exposed();
  const read = new Set((await expressionsOf()).flatMap(metricsIn));
  const isThere = (name: string): boolean =>
    known.has(name) || known.get(name.replace(/_(bucket|sum|count)$/, "")) === "histogram";
  expect([...read].filter((name) => name !== "up" && !isThere(name))).toEqual([]);
  expect(read.size).toBeGreaterThan(40);
});

test("an event is counted on its way to those who see it, and where it reaches nobody", async () => {
  const [alice, carol] = [await stack.login("alice"), await stack.login("carol")];
  const publish = publisherAt(running.publish);
  const url = `${stack.streamUrl}/v1/stream?topic=issues.>&topic=push.>`;
  const withheld = () => readMetrics(stack.edge, ["sluice_stream_events_withheld_total"]);
  await using stream = await openEventStream(url, { token: alice.access_token });
  await stream.frame("ready");
  const count = async (types: readonly string[]): Promise<void> => {
    const data = types.map((type) => ({ type, key: "1", data: {} }));
    for (const event of data) expect((await publish(carol.access_token, event)).status).toBe(200);
  };
  await count(["issues.opened", "push.event", "issues.opened"]);
  await waitFor("both events", () => stream.events().length === 2);
  const names = [
    "events_delivered_total",
    "delivery_seconds_count",
    "first_event_seconds_count",
    "ready_seconds_count",
  ];
  const figures = () =>
    readMetrics(
      stack.edge,
      names.map((name) => `sluice_stream_${name}`),
    );
  // A client may have an event before its worker has counted it.
  await expect.poll(figures).toEqual([2, expect.any(Number), 1, 1]);
  await expect.poll(withheld).toEqual([1]);
  const text = await textOf("stream");
  expect(text).toContain('sluice_stream_events_withheld_total{reason="denied"} 1\n');
  expect(text).toContain('sluice_stream_tenant_connections{tenant="demo",worker=');
  await requireOk(
    fetch(`${stack.authUrl}/v1/auth/logout`, {
      method: "POST",
      headers: { authorization: `Bearer ${alice.access_token}` },
    }),
  );
  await stream.frame("auth_error");
  await expect.poll(() => readMetrics(stack.edge, ["sluice_stream_revoke_seconds_count"])).toEqual([1]);
});
