import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { erase } from "#test/support/checker/administrator.ts";
import { conclude } from "#test/support/checker/audit.ts";
import type { Ledger } from "#test/support/checker/ledger.ts";
import { type LedgerReader, startReader } from "#test/support/checker/reader.ts";
import { type Run, startRun } from "#test/support/checker/start-run.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type Stack, startStack, urlThrough } from "#test/support/start-stack.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

/** In each of them two people are erased. */
const ROUNDS = amountOf("erasure", 8);
const KEPT = Array.from({ length: 5 }, (_, index) => `push.event.kept${index}`);

let nats: NatsServer;
/** Between the second edge and the bus. */
let proxy: TcpProxy;
let stack: Stack;
let urls: readonly [string, string];

beforeAll(async () => {
  nats = await startNats();
  proxy = await startTcpProxy(nats.port);
  stack = await startStack({ nats, auth: { AUTH_ACCESS_TOKEN_SECONDS: "3600" } });
  const other = await stack.startEdge({ NATS_URL: urlThrough(proxy.port, nats.url("stream")) });
  urls = [`${stack.streamUrl}/v1/stream?topic=push.>`, `http://127.0.0.1:${other.ports.http}/v1/stream?topic=push.>`];
});
afterAll(async () => {
  for (const each of [stack, proxy, nats]) await each?.[Symbol.asyncDispose]();
});

test(
  "nothing that was erased is served again, on any edge, and every hole is told, while all flows and an edge is cut off",
  async () => {
    const { access_token: token } = await stack.login("bob");
    await using run = await startRun(await stack.bus("demo"), 4, { tenant: "demo", token, urls: [urls[0]] });
    const cutOff = await Promise.all([1, 2, 3, 4].map((n) => run.join(`cut off ${n}`, { urls: [urls[1]] })));
    const hopping = await Promise.all([1, 2, 3, 4].map((n) => run.join(`hopping ${n}`, { urls })));
    const hops = hopping.map(hop);
    const kept = run.producer.publishSteadily(KEPT, "kept", 5);
    /** Where the log stood before each round. */
    const before: string[] = [];

    let erased = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      before.push(run.readers[0]?.frames.findLast(({ id }) => id !== undefined)?.id ?? "");
      erased += await eraseTwo(run, `${round}`);
      await readAgain(run, `late ${round}`, { token, after: before.at(-5) ?? before[0] ?? "" });
      if (round % 4 === 2) erased += await cut(run, round);
    }

    await kept.stop();
    hops.forEach((stop) => stop());
    await run.end();
    const { afterErased, resets, gaps } = conclude(run.ledger);
    expect({ afterErased, resets }).toEqual({ afterErased: 0, resets: 0 });
    expect(gaps).toBeGreaterThan(ROUNDS);
    expect(erased).toBeGreaterThan(ROUNDS * 20);
    // What was published and erased while they were cut off lay ahead of them.
    for (const reader of cutOff) expect(reader.frames.filter(isErasedGap).length).toBeGreaterThan(0);
  },
  timeoutOf(120_000),
);

test("an edge that stood still serves nothing of what was erased meanwhile, and tells the hole", async () => {
  const { access_token: token } = await stack.login("bob");
  await using run = await startRun(await stack.bus("demo"), 2, { tenant: "demo", token, urls: [urls[0]] });
  await run.producer.publish("push.event.awake", "before");
  await run.reach("before");
  await freeze(stack.edge.child.process);
  for (let n = 0; n < 3; n += 1) await run.producer.publish("push.event.asleep", `asleep ${n}`);
  expect(await erase(stack, run.ledger, "demo", "push.event.asleep")).toBe(3);
  // Longer than a consumer may be silent; what came meanwhile lies in the edge's socket.
  await delay(3_000);
  thaw(stack.edge.child.process);
  await run.end();
  expect(conclude(run.ledger)).toMatchObject({ afterErased: 0, gaps: 2, resets: 0 });
});

/** On both edges, clients read what was published and erased during the last rounds. */
async function readAgain(
  { ledger, producer }: Run,
  name: string,
  from: { readonly token: string; readonly after: string },
): Promise<void> {
  const readers = await Promise.all(
    urls.map((url, edge) =>
      startReader(ledger, { client: `${name} on ${edge}`, tenant: "demo", urls: [url], ...from }),
    ),
  );
  await producer.publish(KEPT[0] ?? "", `${name}: the end`);
  await Promise.all(readers.map((reader) => reader.complete(`${name}: the end`)));
  await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
}

/** Publishes about two people and erases them, one with the log still growing by events about them, which stay. */
async function eraseTwo({ producer, ledger }: Run, name: string): Promise<number> {
  const [first, second] = [`push.event.first${name}`, `push.event.second${name}`];
  const publishing = producer.publishSteadily([first, second], `about ${name}:`, 8);
  const isAbout = (entry: Ledger[number]): boolean =>
    entry.of === "acknowledged" && entry.text.startsWith(`about ${name}:`);
  await waitFor("thirty of them are stored", () => ledger.filter(isAbout).length >= 30);
  const counts = [await erase(stack, ledger, "demo", first)];
  await publishing.stop();
  counts.push(await erase(stack, ledger, "demo", `*.*.second${name}`));
  return counts.reduce((all, count) => all + count, 0);
}

/** For three seconds the second edge reads nothing; people come and go meanwhile. It has read all earlier erasures by then. */
async function cut(run: Run, round: number): Promise<number> {
  const marker = `before cut ${round}`;
  await run.producer.publish(KEPT[0] ?? "", marker);
  await run.reach(marker);
  proxy.set("reset");
  const over = delay(3_000);
  const erased = await eraseTwo(run, `-cut${round}`);
  await over;
  proxy.set("pass");
  return erased;
}

/** Lets the reader change edges every now and then until it is told to stop. */
function hop(reader: LedgerReader, index: number): () => void {
  const timer = setInterval(() => reader.hop(), 300 + index * 150);
  return () => clearInterval(timer);
}

function isErasedGap({ event, data }: LedgerReader["frames"][number]): boolean {
  return event === "gap" && data.includes('"erased"');
}
