import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { EventStream } from "#test/support/event-stream.ts";
import type { Issuer } from "#test/support/start-issuer.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { idsOf, type Subscriber, subscriberAt } from "#test/support/subscriptions.ts";
import { cpuMillis } from "../account.ts";
import { atRate, payloadOf } from "../load.ts";
import { quantile } from "../quantile.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

/** Auth knows these. */
const PEOPLE = ["alice", "bob", "carol"];
const SUBSCRIPTIONS_EACH = 334;
/** Each subscription gets every one of them. */
const EVENTS_PER_SECOND = 5;
/** Others publish beside them. */
const PROBES_PER_SECOND = 40;
const SECONDS = 15;

const UNLIMITED = {
  STREAM_SUBSCRIPTIONS_PER_SUBJECT: String(SUBSCRIPTIONS_EACH),
  STREAM_ACKS_PER_SUBJECT_PER_MINUTE: "1000000",
  STREAM_CALLS_PER_SUBJECT_PER_MINUTE: "1000000",
};

/** Durable subscriptions, all of them active, whose clients acknowledge once a second. */
export const durable: Scenario = {
  name: "durable",
  about: "1 000 durable streams at 5 events a second each, acknowledged: the edge's CPU, and who publishes beside them",
  async run({ stack, issuer, startEdge, say }) {
    await using edge = await startEdge(UNLIMITED);
    await using cleanup = new AsyncDisposableStack();
    const alone = await publishBeside(stack, async () => {});
    const all = await openAll(edge, issuer, stack);
    for (const { stream } of all) cleanup.use(stream);
    // What opening the streams has left to do must not be counted.
    await delay(3_000);
    const before = await cpuMillis(edge.child.process.pid);
    const beside = await publishBeside(stack, () => acknowledgeAll(all));
    const cpu = (await cpuMillis(edge.child.process.pid)) - before;
    const acknowledged = all.reduce((sum, each) => sum + each.acknowledged, 0);
    say(`  ${all.length} streams, ${acknowledged} events acknowledged`);
    return [
      {
        name: "CPU of the edge for each event",
        value: (cpu * 1_000) / acknowledged,
        unit: "µs",
        goal: { atMost: 150 },
      },
      {
        name: "until an acknowledgement is stored, p50",
        value: quantile(
          all.flatMap(({ took }) => took),
          0.5,
        ),
        unit: "ms",
      },
      { name: "publishing without them, p50", value: quantile(alone, 0.5), unit: "ms" },
      { name: "publishing beside them, p50", value: quantile(beside, 0.5), unit: "ms" },
      {
        name: "the same as a multiple",
        value: quantile(beside, 0.5) / quantile(alone, 0.5),
        unit: "×",
        goal: { atMost: 1.5 },
      } satisfies Figure,
    ];
  },
};

interface Durable {
  readonly name: string;
  readonly subscriber: Subscriber;
  readonly stream: EventStream;
  readonly took: number[];
  acknowledged: number;
}

async function openAll(edge: RunningService, issuer: Issuer, stack: Bench["stack"]): Promise<readonly Durable[]> {
  const all: Durable[] = [];
  for (const subject of PEOPLE) {
    await stack.setRoles(subject, ["maintainer"]);
    const subscriber = subscriberAt(`http://127.0.0.1:${edge.ports.http}`, await tokenOf(issuer, subject));
    for (let index = 0; index < SUBSCRIPTIONS_EACH; index += 1) {
      const name = `s-${index}`;
      await subscriber.call("PUT", `/${name}`, { topics: ["push.event.durable"] });
      const stream = await subscriber.attach(name);
      all.push({ name, subscriber, stream, took: [], acknowledged: 0 });
    }
  }
  return all;
}

async function tokenOf(issuer: Issuer, subject: string): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  const own = { sub: subject, sid: randomUUID(), jti: randomUUID(), iat, exp: iat + 300 };
  const common = { iss: "http://localhost:8081", aud: "sluice", client_id: "bench", tenant_id: "demo" };
  return issuer.sign({ ...common, ...own, login_at: "2026-01-01T00:00:00Z" });
}

/** How long each publish took, in milliseconds, while `work` runs beside. */
async function publishBeside(stack: Bench["stack"], work: () => Promise<void>): Promise<readonly number[]> {
  const producer = await stack.bus("demo");
  const took: number[] = [];
  const publish = async (topic: string): Promise<void> => {
    const begin = performance.now();
    await producer.publish(`events.demo.${topic}`, payloadOf(200));
    took.push(performance.now() - begin);
  };
  const load = { seconds: SECONDS };
  await Promise.all([
    work(),
    atRate({ ...load, ratePerSecond: EVENTS_PER_SECOND }, () => void publish("push.event.durable")),
    atRate({ ...load, ratePerSecond: PROBES_PER_SECOND }, () => void publish("issues.opened.other")),
  ]);
  return took;
}

/** Each acknowledges once a second what it has, at a moment of its own. */
async function acknowledgeAll(all: readonly Durable[]): Promise<void> {
  await Promise.all(
    all.map(async (each, index) => {
      await delay((index * 1_000) / all.length);
      for (let second = 0; second <= SECONDS; second += 1) {
        const begin = performance.now();
        const ids = idsOf(each.stream).slice(each.acknowledged);
        if (ids.length > 0 && (await each.subscriber.ack(each.name, ids)) === 204) {
          each.acknowledged += ids.length;
          each.took.push(performance.now() - begin);
        }
        await delay(Math.max(0, begin + 1_000 - performance.now()));
      }
    }),
  );
}
