import { type Account, formatAccount } from "#test/support/checker/account.ts";
import { conclude } from "#test/support/checker/audit.ts";
import { type Ledger, readLedger } from "#test/support/checker/ledger.ts";
import { createProducer } from "#test/support/checker/producer.ts";
import type { Stack } from "#test/support/start-stack.ts";
import { answerOf, startProcess } from "./start-process.ts";

/** What became of the deliveries. */
export interface HandOverReport {
  readonly account: Account;
  /** Connections that went from history to live. */
  readonly handOvers: number;
  /** Connections that never did. */
  readonly stuck: number;
  readonly seconds: number;
}

/** How many clients are connected at a time, what is published meanwhile, and how much of what happens is enough. */
interface HandOverLoad {
  readonly clients: number;
  readonly ratePerSecond: number;
  readonly deliveries: number;
  readonly handOvers: number;
}

/** Has clients connect after random ids and cross over to live, again and again, while events flow. Throws what is unsound. */
export async function measureHandOver(stack: Stack, load: HandOverLoad): Promise<HandOverReport> {
  const { access_token: token } = await stack.login("bob");
  const ledger: Ledger = [];
  const producer = createProducer(await stack.bus("demo"), "demo", ledger);
  const publishing = producer.publishSteadily(["push.event.k"], "n", 1_000 / load.ratePerSecond);
  await using clients = await startProcess("hand-over-clients.ts");
  const begin = performance.now();
  clients.process.send({ port: stack.edge.ports.http, file: clients.file, token, ...load });
  const { handOvers, stuck } = await answerOf<{ handOvers: number; stuck: number }>(clients.process);
  const seconds = (performance.now() - begin) / 1_000;
  await publishing.stop();
  const account = conclude([...ledger, ...readLedger(clients.file)]);
  return { account, handOvers, stuck, seconds };
}

/** What a report says, in a line. */
export function describeHandOver({ account, handOvers, stuck, seconds }: HandOverReport): string {
  const crossings = `${handOvers} connections went from history to live, ${stuck} did not`;
  return `${account.delivered} deliveries in ${seconds.toFixed(0)} s, ${crossings}\n  ${formatAccount(account)}`;
}
