import { afterAll, beforeAll, expect, test } from "vitest";
import { noteCause } from "#test/support/checker/administrator.ts";
import { conclude } from "#test/support/checker/audit.ts";
import type { Ledger } from "#test/support/checker/ledger.ts";
import { createProducer, type Producer } from "#test/support/checker/producer.ts";
import { type LedgerReader, startReader } from "#test/support/checker/reader.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type Stack, startStack, urlThrough } from "#test/support/start-stack.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";

let nats: NatsServer;
/** Between the edge and the broker. */
let edgeToBus: TcpProxy;
let stack: Stack;
let token: string;

beforeAll(async () => {
  nats = await startNats();
  edgeToBus = await startTcpProxy(nats.port);
  stack = await startStack({
    nats,
    stream: { NATS_URL: urlThrough(edgeToBus.port, nats.url("stream")) },
    // As small as it may be: an overrun shall not take long.
    policy: { POLICY_HISTORY_MAX_BYTES: String(1024 * 1024) },
  });
  token = (await stack.login("bob")).access_token;
});
afterAll(async () => {
  for (const each of [stack, edgeToBus, nats]) await each[Symbol.asyncDispose]();
});

test("a log that overran while the edge was cut off is told as a gap, to who was live", async () => {
  await using run = await startRun(["live"]);
  await run.producer.publish("push.event.k", "before");
  await run.reader.frame(({ data }) => data === "before");
  edgeToBus.set("reset");
  await publishMany(run.producer, "overrun", 80, 20_000);
  noteCause(run.ledger, "demo", "gap", "retention");
  edgeToBus.set("pass");
  await run.end();
  expect(conclude(run.ledger)).toMatchObject({ gaps: 1, resets: 0 });
});

async function publishMany(producer: Producer, name: string, count: number, bytes: number): Promise<void> {
  const pad = "x".repeat(bytes);
  await Promise.all(Array.from({ length: count }, (_, n) => producer.publish("push.event.k", `${name} ${n} ${pad}`)));
}

interface Run extends AsyncDisposable {
  readonly ledger: Ledger;
  readonly producer: Producer;
  readonly reader: LedgerReader;
  readonly readers: readonly LedgerReader[];
  /** Publishes a last event and waits until every reader has it. */
  end(): Promise<void>;
}

let runs = 0;

async function startRun(names: readonly string[]): Promise<Run> {
  const ledger: Ledger = [];
  const producer = createProducer(await stack.bus("demo"), "demo", ledger);
  const urls = [`${stack.streamUrl}/v1/stream?topic=push.>&topic=issues.>`];
  const readers = await Promise.all(
    names.map((client) => startReader(ledger, { client, tenant: "demo", token, urls })),
  );
  const last = `end ${(runs += 1)}`;
  return {
    ledger,
    producer,
    reader: readers[0]!,
    readers,
    async end() {
      await producer.publish("push.event.k", last);
      await Promise.all(readers.map((reader) => reader.complete(last)));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
    },
  };
}
