import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Account, formatAccount } from "#test/support/checker/account.ts";
import { conclude } from "#test/support/checker/audit.ts";
import { noteRights } from "#test/support/checker/administrator.ts";
import { type Entry, type Ledger, monotonicMs, readLedger } from "#test/support/checker/ledger.ts";
import { createProducer } from "#test/support/checker/producer.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";
import type { Stack } from "#test/support/start-stack.ts";
import { answerOf, type ClientProcess, startProcess } from "./start-process.ts";

/** What became of the storm. */
export interface StormReport {
  readonly account: Account;
  /** From the kill until the last client had a stream in force again, and had got all that was acknowledged before that. */
  readonly seconds: number;
  /** The most JetStream consumers that the tenant's log had during the storm. */
  readonly consumers: number;
}

/** Clients, each with a session of its own, in so many groups: every event is for one group. */
export interface StormLoad {
  readonly clients: number;
  readonly groups: number;
  readonly ratePerSecond: number;
  readonly processes: number;
}

/** Kills the connections of all clients at once while events flow, and has them all resume. Throws what is unsound. */
export async function measureStorm(stack: Stack, load: StormLoad): Promise<StormReport> {
  await using stop = new AsyncDisposableStack();
  const issuer = stop.use(await startIssuer());
  const edge = stop.use(await stack.startEdge({ AUTH_JWKS_URL: issuer.jwksUri }));
  const processes: ClientProcess[] = [];
  for (let index = 0; index < load.processes; index += 1) {
    processes.push(stop.use(await startProcess("storm-clients.ts")));
  }
  const tokens = await signTokens(issuer, load.clients);
  const ledger: Ledger = [];
  const clients = namedClients(tokens, load.groups, ledger);
  await openAll(edge.ports.http, processes, clients);

  const producer = createProducer(await stack.bus("demo"), "demo", ledger);
  const topics = Array.from({ length: load.groups }, (_, group) => topicOf(group));
  const publishing = producer.publishSteadily(topics, "n", 1_000 / load.ratePerSecond);
  await delay(2_000);
  const killedAt = monotonicMs();
  const watching = watchConsumers(stack);
  for (const { process } of processes) process.send("storm");
  await Promise.all(processes.map(({ process }) => answerOf(process)));
  const consumers = await watching.stop();
  await delay(2_000);
  await publishing.stop();
  await Promise.all(topics.map((topic, group) => producer.publish(topic, `end ${group}`)));
  for (const { process } of processes) process.send({ end: "end" });
  await Promise.all(processes.map(({ process }) => answerOf(process)));
  await Promise.all(processes.map(({ exited }) => exited));
  const entries = [...ledger, ...processes.flatMap(({ file }) => readLedger(file))];
  return { account: conclude(entries), seconds: (caughtUpAt(entries, killedAt) - killedAt) / 1_000, consumers };
}

/** A client for each token, in so many groups; what it may see stands in the ledger. */
export function namedClients(tokens: readonly string[], groups: number, ledger: Ledger) {
  const clients = tokens.map((token, index) => ({ name: `client ${index}`, topic: topicOf(index % groups), token }));
  for (const { name, topic } of clients) noteRights(ledger, name, [topic]);
  return clients;
}

/** What a report says, in a line. */
export function describeStorm(
  { account, seconds, consumers }: StormReport,
  { clients, ratePerSecond }: StormLoad,
): string {
  const back = `${clients} clients killed at ${ratePerSecond} events/s: all back and caught up after ${seconds.toFixed(1)} s`;
  return `${back}, ${consumers} JetStream consumer(s)\n  ${formatAccount(account)}`;
}

/** The topic of a group. */
export function topicOf(group: number): string {
  return `push.event.g${group}`;
}

/** Opens the streams of all clients, shared among the processes. */
export async function openAll(
  port: number,
  processes: readonly ClientProcess[],
  clients: readonly object[],
): Promise<void> {
  const share = Math.ceil(clients.length / processes.length);
  const opened = processes.map(async ({ process, file }, index) => {
    process.send({ port, file, clients: clients.slice(index * share, (index + 1) * share) });
    await answerOf(process);
  });
  await Promise.all(opened);
}

/** Tokens of so many sessions of one person. */
export function signTokens(issuer: Issuer, count: number): Promise<string[]> {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { iss: "http://localhost:8081", aud: "sluice", client_id: "storm", tenant_id: "demo", sub: "carol" };
  const sign = (): Promise<string> => {
    const login_at = new Date(iat * 1_000).toISOString();
    return issuer.sign({ ...claims, iat, exp: iat + 600, jti: randomUUID(), sid: randomUUID(), login_at });
  };
  return Promise.all(Array.from({ length: count }, sign));
}

function watchConsumers(stack: Stack): { stop(): Promise<number> } {
  const stopping = new AbortController();
  const watching = (async () => {
    const bus = await stack.bus("policy");
    const { streams } = await bus.manager();
    let most = 0;
    for (; !stopping.signal.aborted; await delay(100)) {
      most = Math.max(most, (await streams.info("EVENTS_demo")).state.consumer_count);
    }
    return most;
  })();
  return {
    stop() {
      stopping.abort();
      return watching;
    },
  };
}

/** When the last client had everything that was acknowledged before its stream was in force again. */
function caughtUpAt(entries: readonly Entry[], killedAt: number): number {
  const acknowledgedAt = new Map(
    entries.flatMap((entry) => (entry.of === "acknowledged" ? [[entry.text, entry.at]] : [])),
  );
  const readyAt = new Map<string, number>();
  let last = killedAt;
  for (const entry of entries) {
    if (entry.of !== "received" || entry.at < killedAt) continue;
    if (entry.event === "ready") readyAt.set(entry.client, entry.at);
    const wasMissed = (acknowledgedAt.get(entry.text) ?? Infinity) <= (readyAt.get(entry.client) ?? -Infinity);
    if (entry.event === "ready" || wasMissed) last = Math.max(last, entry.at);
  }
  return last;
}
