import { setTimeout as delay } from "node:timers/promises";
import { type Account, formatAccount } from "#test/support/checker/account.ts";
import { conclude } from "#test/support/checker/audit.ts";
import { type Entry, type Ledger, monotonicMs, readLedger } from "#test/support/checker/ledger.ts";
import { createProducer } from "#test/support/checker/producer.ts";
import { startIssuer } from "#test/support/start-issuer.ts";
import type { Stack } from "#test/support/start-stack.ts";
import { namedClients, openAll, signTokens, topicOf } from "./reconnect-storm.ts";
import { answerOf, type ClientProcess, startProcess } from "./start-process.ts";

/** Clients of an edge that is stopped, each with a session of its own, in so many groups: every event is for one group. */
export interface DrainLoad {
  readonly clients: number;
  readonly groups: number;
  readonly ratePerSecond: number;
  readonly drainMs: number;
}

/** What became of the drain. */
export interface DrainReport {
  readonly account: Account;
  /** Streams that were told `drain` by the edge that was stopped. */
  readonly told: number;
  /** Reconnects at the other edge in each second from the first to the last. */
  readonly perSecond: readonly number[];
}

/** Stops an edge while events flow, so that all its clients move to another one. Throws what is unsound. */
export async function measureDrain(stack: Stack, load: DrainLoad): Promise<DrainReport> {
  await using stop = new AsyncDisposableStack();
  const issuer = stop.use(await startIssuer());
  const env = { AUTH_JWKS_URL: issuer.jwksUri, STREAM_DRAIN_MS: String(load.drainMs) };
  const leaving = stop.use(await stack.startEdge(env));
  const staying = stop.use(await stack.startEdge(env));
  const clientProcess = stop.use(await startProcess("storm-clients.ts"));
  const tokens = await signTokens(issuer, load.clients);
  const ledger: Ledger = [];
  const clients = namedClients(tokens, load.groups, ledger);
  await openAll(leaving.ports.http, [clientProcess], clients);

  const producer = createProducer(await stack.bus("demo"), "demo", ledger);
  const topics = Array.from({ length: load.groups }, (_, group) => topicOf(group));
  const publishing = producer.publishSteadily(topics, "n", 1_000 / load.ratePerSecond);
  await delay(500);
  const stoppedAt = monotonicMs();
  const moved = answerOf(clientProcess.process);
  clientProcess.process.send({ moveTo: staying.ports.http });
  const ended = leaving.child.end("SIGTERM");
  await moved;
  if ((await ended) !== 0) throw new Error("the edge did not stop in good order");
  await publishing.stop();
  await finish(clientProcess, topics, producer);
  const entries = [...ledger, ...readLedger(clientProcess.file)];
  return { account: conclude(entries), ...countMoves(entries, stoppedAt) };
}

/** What a report says, in a line. */
export function describeDrain({ account, told, perSecond }: DrainReport): string {
  const { peak, mean } = ratesOf(perSecond);
  const moves = `${told} streams ended with drain; reconnects a second: ${perSecond.join(" ")}`;
  return `${moves} (peak ${peak}, mean ${mean.toFixed(0)})\n  ${formatAccount(account)}`;
}

/** The most reconnects in a second, and the mean. */
export function ratesOf(perSecond: readonly number[]): { readonly peak: number; readonly mean: number } {
  return { peak: Math.max(...perSecond), mean: perSecond.reduce((sum, each) => sum + each, 0) / perSecond.length };
}

async function finish(
  { process, exited }: ClientProcess,
  topics: readonly string[],
  producer: Pick<ReturnType<typeof createProducer>, "publish">,
): Promise<void> {
  await Promise.all(topics.map((topic, group) => producer.publish(topic, `end ${group}`)));
  process.send({ end: "end" });
  await answerOf(process);
  await exited;
}

/** Seconds are counted from the first reconnect to the last, the last one as the part that it is. */
function countMoves(entries: readonly Entry[], stoppedAt: number): Pick<DrainReport, "told" | "perSecond"> {
  const told = entries.filter(
    (entry) => entry.of === "received" && entry.event === "bye" && entry.text.includes('"drain"'),
  ).length;
  const moves = entries.flatMap((entry) => (entry.of === "opened" && entry.at > stoppedAt ? [entry.at] : []));
  const first = Math.min(...moves);
  const perSecond = Array.from({ length: Math.ceil((Math.max(...moves) - first + 1) / 1_000) }, () => 0);
  for (const at of moves) {
    const second = Math.floor((at - first) / 1_000);
    perSecond[second] = (perSecond[second] ?? 0) + 1;
  }
  return { told, perSecond };
}
