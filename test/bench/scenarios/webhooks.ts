import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inTurns } from "#shared/async/in-turns.ts";
import type { Issuer } from "#test/support/start-issuer.ts";
import { type Subscriber, subscriberAt } from "#test/support/subscriptions.ts";
import { waitFor } from "#test/support/wait.ts";
import { cpuMillis } from "../account.ts";
import { atRate, payloadOf } from "../load.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";
import { answerOf, type ClientProcess, startProcess } from "../start-process.ts";

/** How much one subscription has to catch up with, and how many events go in a message. */
const BACKLOG = 10_000;
const PER_MESSAGE = 100;
/** Each of the subscriptions gets every one of them, in a message of its own. */
const SUBSCRIPTIONS = 20;
const EVENTS_PER_SECOND = 20;
const SECONDS = 10;

const OWNER = "bob";
const PAYLOAD = payloadOf(200);

/** Webhooks that catch up, and webhooks as the events come, beside a loop that posts the same. */
export const webhooks: Scenario = {
  name: "webhooks",
  about:
    "callbacks that catch up and that get each event as it comes: events a second and CPU, beside a bare loop of POSTs",
  async run(bench) {
    await using cleanup = new AsyncDisposableStack();
    const world = await openWorld(bench, cleanup);
    const caughtUp = await catchUp(bench, world);
    const asTheyCome = await deliverAsTheyCome(bench, world);
    const bareBatches = await bareLoop(cleanup, world, PER_MESSAGE, BACKLOG / PER_MESSAGE);
    const bareSingles = await bareLoop(cleanup, world, 1, asTheyCome.events);
    return [
      { name: "catching up", value: BACKLOG / (caughtUp.ms / 1_000), unit: "events/s" },
      { name: "a bare loop with the same messages", value: BACKLOG / (bareBatches.ms / 1_000), unit: "events/s" },
      { name: "catching up, CPU for each event", value: (caughtUp.cpuMs * 1_000) / BACKLOG, unit: "µs" },
      { name: "the bare loop, CPU for each event", value: (bareBatches.cpuMs * 1_000) / BACKLOG, unit: "µs" },
      { name: "one by one, CPU for each event", value: (asTheyCome.cpuMs * 1_000) / asTheyCome.events, unit: "µs" },
      { name: "the bare loop, one by one", value: (bareSingles.cpuMs * 1_000) / asTheyCome.events, unit: "µs" },
    ] satisfies Figure[];
  },
};

interface World {
  readonly subscriber: Subscriber;
  /** The process that posts webhooks. */
  readonly pid: number | undefined;
  readonly port: number;
  /** How many events have come. */
  readonly received: () => Promise<number>;
}

async function openWorld({ stack, issuer, startEdge }: Bench, cleanup: AsyncDisposableStack): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-webhooks-"));
  cleanup.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, "secrets.yaml");
  await writeFile(file, `demo: { bench: whsec_${Buffer.alloc(32, 7).toString("base64")} }\n`);
  const receiver = cleanup.use(await startProcess("webhook-receiver.ts"));
  const port = await answerOf<number>(receiver.process);
  const edge = cleanup.use(await startEdge({ STREAM_SUBSCRIPTIONS_PER_SUBJECT: String(SUBSCRIPTIONS + 1) }));
  const posting = { STREAM_ROLE: "webhooks", STREAM_WEBHOOK_SECRETS_FILE: file, STREAM_WEBHOOK_HOSTS: "127.0.0.1" };
  const poster = cleanup.use(await startEdge(posting));
  await stack.setRoles(OWNER, ["maintainer"]);
  return {
    subscriber: subscriberAt(`http://127.0.0.1:${edge.ports.http}`, await tokenOf(issuer)),
    pid: poster.child.process.pid,
    port,
    received: () => ask<number>(receiver, {}),
  };
}

async function subscribe({ subscriber, port }: World, name: string, topic: string): Promise<void> {
  const deliver = { url: `http://127.0.0.1:${port}/${name}`, secretRef: "bench" };
  const { status } = await subscriber.call("PUT", `/${name}`, { topics: [topic], window: 1_000, deliver });
  if (status !== 201) throw new Error(`the subscription was not made: ${status}`);
}

/** What it took to deliver what came while a subscription was paused. */
async function catchUp({ stack, say }: Bench, world: World) {
  await subscribe(world, "backlog", "push.event.backlog");
  await world.subscriber.call("POST", "/backlog/pause");
  const producer = await stack.bus("demo");
  const all = Array.from({ length: BACKLOG }, () => "events.demo.push.event.backlog");
  await inTurns(all, 128, (subject) => producer.publish(subject, PAYLOAD));
  say(`  ${BACKLOG} events wait`);
  const [before, begin] = [await cpuMillis(world.pid), performance.now()];
  await world.subscriber.call("POST", "/backlog/resume");
  await waitFor("all of them", async () => (await world.received()) >= BACKLOG, 120_000);
  return { ms: performance.now() - begin, cpuMs: (await cpuMillis(world.pid)) - before };
}

/** What it took to deliver each event as it came to each of the subscriptions. */
async function deliverAsTheyCome({ stack }: Bench, world: World) {
  const names = Array.from({ length: SUBSCRIPTIONS }, (_, index) => `live-${index}`);
  for (const name of names) await subscribe(world, name, "push.event.live");
  const producer = await stack.bus("demo");
  const publish = () => void producer.publish("events.demo.push.event.live", PAYLOAD);
  publish();
  const ready = (await world.received()) + SUBSCRIPTIONS;
  await waitFor("all are taken", async () => (await world.received()) >= ready, 60_000);
  const [before, begin] = [await cpuMillis(world.pid), await world.received()];
  await atRate({ seconds: SECONDS, ratePerSecond: EVENTS_PER_SECOND }, publish);
  const expected = begin + SUBSCRIPTIONS * EVENTS_PER_SECOND * SECONDS;
  await waitFor("all of them", async () => (await world.received()) >= expected * 0.99, 60_000);
  return { events: (await world.received()) - begin, cpuMs: (await cpuMillis(world.pid)) - before };
}

async function bareLoop(cleanup: AsyncDisposableStack, { port }: World, events: number, times: number) {
  const loop = cleanup.use(await startProcess("post-loop.ts"));
  const event = { specversion: "1.0", id: randomUUID(), source: "/tenants/demo", type: "push.event", data: PAYLOAD };
  const body = JSON.stringify(Array.from({ length: events }, () => event));
  return ask<{ readonly ms: number; readonly cpuMs: number }>(loop, { port, body, times });
}

function ask<Answer>({ process }: ClientProcess, order: object): Promise<Answer> {
  const answered = answerOf<Answer>(process);
  process.send(order);
  return answered;
}

async function tokenOf(issuer: Issuer): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  const own = { sub: OWNER, sid: randomUUID(), jti: randomUUID(), iat, exp: iat + 300 };
  const common = { iss: "http://localhost:8081", aud: "sluice", client_id: "bench", tenant_id: "demo" };
  return issuer.sign({ ...common, ...own, login_at: "2026-01-01T00:00:00Z" });
}
