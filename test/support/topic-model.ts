import { setTimeout as delay } from "node:timers/promises";
import { changeRoles, noteRights } from "./checker/administrator.ts";
import type { Ledger } from "./checker/ledger.ts";
import { createProducer } from "./checker/producer.ts";
import { type LedgerReader, startReader } from "./checker/reader.ts";
import { random } from "./random.ts";
import type { RunningService } from "./start-service.ts";
import type { Stack } from "./start-stack.ts";
import { changeTopics, type TopicsSaid } from "./topic-stream.ts";

/** The patterns that clients add and remove; they overlap, and one is granted to nobody. */
const PATTERNS = ["issues.>", "issues.opened", "issues.opened.k", "push.*", "push.>", "pull_request.*.k", "create.>"];

const TOPICS = [
  "issues.opened.k",
  "issues.closed",
  "push.event.k",
  "push.event",
  "pull_request.opened.k",
  "create.event",
];

const ROLES = {
  maintainer: ["issues.>", "push.>", "pull_request.>"],
  triager: ["issues.>"],
} as const;

/** What a run does, and how much of it. */
export interface TopicModel {
  readonly stack: Stack;
  /** Each has the same Redis; they change while a run replaces one. */
  readonly edges: () => readonly RunningService[];
  readonly clients: number;
  /** How many changes each client asks for. */
  readonly changes: number;
  /** Done once while it runs. */
  readonly disturb?: () => Promise<void>;
}

/**
 * Clients of one person change their topics at random, break off and come back at any edge, while events flow and the person's roles
 * change. Answers what everybody noted.
 */
export async function runTopicModel(model: TopicModel): Promise<Ledger> {
  const ledger: Ledger = [];
  const { stack, edges } = model;
  const producer = createProducer(await stack.bus("demo"), "demo", ledger);
  const token = (await stack.login("bob")).access_token;
  const names = Array.from({ length: model.clients }, (_, index) => `client-${index}`);
  const readers = await Promise.all(
    names.map(async (client) => {
      const topics = [PATTERNS[0] ?? ""];
      noteRights(ledger, client, ROLES.maintainer);
      ledger.push({ of: "topics", client, topics });
      const query = new URLSearchParams({ topic: topics.join(), client: `${client}-${Date.now()}` });
      const urls = edges().map(({ ports }) => `http://127.0.0.1:${ports.http}/v1/stream?${query.toString()}`);
      return { client, reader: await startReader(ledger, { client, tenant: "demo", token, urls }) };
    }),
  );
  const publishing = producer.publishSteadily(TOPICS, "event", 4);
  const changing = changeRolesNowAndThen(stack, ledger, names);
  await Promise.all([
    ...readers.map((each) => act(ledger, token, each, model)),
    delay(300).then(() => model.disturb?.()),
  ]);
  await changing.stop();
  await publishing.stop();
  await Promise.all(readers.map((each) => finish(ledger, token, each, model)));
  const text = `the end of ${names.length}`;
  await producer.publish("issues.opened.k", text);
  await Promise.all(readers.map(({ reader }) => reader.complete(text)));
  await Promise.all(readers.map(({ reader }) => reader[Symbol.asyncDispose]()));
  return ledger;
}

interface Acting {
  readonly client: string;
  readonly reader: LedgerReader;
}

async function act(ledger: Ledger, token: string, acting: Acting, { edges, changes }: TopicModel): Promise<void> {
  for (let left = changes; left > 0; left -= 1) {
    const [add, remove] = [pick(2), pick(2)];
    const asking = ask(ledger, token, acting, edges, { add: add.filter((each) => !remove.includes(each)), remove });
    // Some break off while the answer is on its way.
    if (random() < 0.15) await delay(random() * 4).then(() => acting.reader.hop());
    await asking;
    if (random() < 0.1) acting.reader.hop();
    await delay(random() * 80);
  }
}

/** Asks any edge for a change of the stream that the client has last heard of. */
async function ask(
  ledger: Ledger,
  token: string,
  { client, reader }: Acting,
  edges: TopicModel["edges"],
  change: { readonly add: readonly string[]; readonly remove: readonly string[] },
): Promise<boolean> {
  const ready = reader.frames.findLast(({ event }) => event === "ready");
  const { connectionId } = JSON.parse(ready?.data ?? "{}") as { connectionId: string };
  const all = edges();
  const edge = all[Math.floor(random() * all.length)];
  if (edge === undefined) throw new Error("there is no edge");
  ledger.push({ of: "asked", client, ...change });
  const answer = await changeTopics(edge, token, connectionId, change).catch(() => undefined);
  ledger.push({ of: "answered", client, ...outcomeOf(answer) });
  return answer?.status === 200;
}

/** A stream that is gone may have changed its topics before. */
function outcomeOf(answer: { readonly status: number; readonly body: TopicsSaid } | undefined) {
  if (answer?.status === 429) return { outcome: "refused" } as const;
  if (answer?.status !== 200) return { outcome: "unknown" } as const;
  const { topics, effectiveFrom } = answer.body;
  return { outcome: "done", topics: topics.map(({ topic }) => topic), effectiveFrom } as const;
}

/** The last event is asked for by everybody. */
async function finish(ledger: Ledger, token: string, acting: Acting, { edges }: TopicModel): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await ask(ledger, token, acting, edges, { add: ["issues.>"], remove: [] })) return;
    await delay(50);
  }
  throw new Error(`${acting.client} cannot change its topics any more`);
}

function changeRolesNowAndThen(stack: Stack, ledger: Ledger, clients: readonly string[]) {
  const stopping = new AbortController();
  const running = (async () => {
    for (let role: keyof typeof ROLES = "triager"; !stopping.signal.aborted;) {
      await changeRoles(stack, ledger, { subject: "bob", roles: [role], clients }, ROLES[role]);
      role = role === "triager" ? "maintainer" : "triager";
      await delay(150);
    }
    await changeRoles(stack, ledger, { subject: "bob", roles: ["maintainer"], clients }, ROLES.maintainer);
  })();
  return {
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}

function pick(most: number): string[] {
  return Array.from(
    { length: Math.floor(random() * (most + 1)) },
    () => PATTERNS[Math.floor(random() * PATTERNS.length)] ?? "",
  );
}
