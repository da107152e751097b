import { randomUUID } from "node:crypto";
import type { Issuer } from "#test/support/start-issuer.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { changeTopics, openTopicStream, type TopicStream } from "#test/support/topic-stream.ts";
import { cpuMillis } from "../account.ts";
import { atRate, payloadOf } from "../load.ts";
import { quantile } from "../quantile.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const EVENTS_PER_SECOND = 500;
const CHANGES_PER_SECOND = 240;
const SECONDS = 8;

/** A person may change topics a hundred times a second over all streams, and a stream twenty times. */
const PEOPLE = ["alice", "bob", "carol"];
const STREAMS_EACH = 10;
const TOPICS_EACH = 50;

/** Streams that each add one topic and drop another, again and again, while events flow. */
export const dynamic: Scenario = {
  name: "dynamic",
  about: "30 streams of 50 topics each, 500 events a second in all: what 240 changes of topics a second cost",
  async run(bench) {
    const { stack, startEdge } = bench;
    await using edge = await startEdge({ REDIS_URL: stack.redis.streamUrl });
    await stack.setRoles("alice", ["maintainer"]);
    const figures = [
      ...(await measure(bench, edge, "connection", "")),
      ...(await measure(bench, edge, "client id", "&client=")),
    ];
    await stack.carryOut("DELETE", "demo/subjects/alice/roles");
    return figures;
  },
};

interface Changing {
  readonly stream: TopicStream;
  readonly token: string;
  /** The number of the topic that it has beside those of its URL. */
  extra: number;
}

async function measure(
  { stack, issuer }: Bench,
  edge: RunningService,
  kept: string,
  client: string,
): Promise<readonly Figure[]> {
  await using cleanup = new AsyncDisposableStack();
  const producer = await stack.bus("demo");
  const all = await Promise.all(
    PEOPLE.flatMap((person) => Array.from({ length: STREAMS_EACH }, () => open(edge, issuer, person, client))),
  );
  for (const { stream } of all) cleanup.use(stream);
  const flow = () =>
    atRate({ ratePerSecond: EVENTS_PER_SECOND, seconds: SECONDS }, (index) => {
      void producer.js.publish(`events.demo.push.event.k${index % TOPICS_EACH}`, payloadOf(200));
    });
  const beside = async (act: typeof change) => {
    const took: number[] = [];
    const cpu = await cpuDuring(edge, () =>
      Promise.all([
        flow(),
        atRate({ ratePerSecond: CHANGES_PER_SECOND, seconds: SECONDS }, (index) => {
          const each = all[index % all.length];
          if (each !== undefined) void act(edge, each, took);
        }),
      ]),
    );
    return { took, cpuMicros: ((cpu - quiet) * 1_000) / took.length };
  };
  const quiet = await cpuDuring(edge, flow);
  const repeated = await beside(repeat);
  const { took, cpuMicros } = await beside(change);
  const name = `kept with the ${kept}`;
  return [
    { name: `${name}: changes`, value: took.length / SECONDS, unit: "a second" },
    { name: `${name}: CPU of the edge for each`, value: cpuMicros, unit: "µs" },
    { name: `${name}: the same for a call that changes nothing`, value: repeated.cpuMicros, unit: "µs" },
    { name: `${name}: until the answer, p50`, value: quantile(took, 0.5), unit: "ms" },
    { name: `${name}: until the answer, p99`, value: quantile(took, 0.99), unit: "ms" },
    { name: `${name}: CPU of the edge for the events alone`, value: quiet / SECONDS / 10, unit: "%" },
  ];
}

async function open(edge: RunningService, issuer: Issuer, subject: string, client: string): Promise<Changing> {
  const iat = Math.floor(Date.now() / 1_000);
  const own = { sub: subject, sid: randomUUID(), jti: randomUUID(), iat, exp: iat + 300 };
  const common = { iss: "http://localhost:8081", aud: "sluice", client_id: "bench", tenant_id: "demo" };
  const token = await issuer.sign({ ...common, ...own, login_at: "2026-01-01T00:00:00Z" });
  const topics = Array.from({ length: TOPICS_EACH }, (_, index) => `topic=push.event.k${index}`).join("&");
  const query = client === "" ? topics : `${topics}${client}${randomUUID()}`;
  return { stream: await openTopicStream(edge, query, { token }), token, extra: 0 };
}

/** Asks for what is there. */
async function repeat(edge: RunningService, { token, stream }: Changing, took: number[]): Promise<void> {
  const begin = performance.now();
  const { status } = await changeTopics(edge, token, stream.id, { add: ["push.event.k0"] });
  if (status === 200) took.push(performance.now() - begin);
}

async function change(edge: RunningService, each: Changing, took: number[]): Promise<void> {
  const [remove, add] = [`push.event.x${each.extra}`, `push.event.x${each.extra + 1}`];
  each.extra += 1;
  const begin = performance.now();
  const { status } = await changeTopics(edge, each.token, each.stream.id, { add: [add], remove: [remove] });
  if (status === 200) took.push(performance.now() - begin);
}

async function cpuDuring({ child }: RunningService, work: () => Promise<unknown>): Promise<number> {
  const before = await cpuMillis(child.process.pid);
  await work();
  return (await cpuMillis(child.process.pid)) - before;
}
