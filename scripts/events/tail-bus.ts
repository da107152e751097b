import { DeliverPolicy, jetstream, type JsMsg } from "@nats-io/jetstream";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { connectBus } from "../shared/connect-bus.ts";
import { ScriptError } from "../shared/run-script.ts";
import { dataOf, type PrintedEvent, topicIn } from "./print-event.ts";

/** What to follow on the bus. */
export interface BusTail {
  readonly tenant: string;
  /** Topic patterns; none stands for everything, also for what is no event. */
  readonly topics: readonly string[];
  /** From when on; undefined from now on. */
  readonly since: Date | undefined;
  readonly signal: AbortSignal;
}

/**
 * Gives what comes into a tenant's log, whoever may see it, for as long as nobody stops it.
 * @throws {ScriptError} where the bus is out of reach, or the tenant has no log.
 */
export async function* tailBus(tail: BusTail, env: NodeJS.ProcessEnv): AsyncGenerator<PrintedEvent> {
  const { tenant, topics, since, signal } = tail;
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("policy", env), (connection) => connection.close());
  const subjects = topics.length === 0 ? logSubjects(tenant) : topics.map((topic) => `events.${tenant}.${topic}`);
  const start =
    since === undefined
      ? { deliver_policy: DeliverPolicy.New }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() };
  const consumer = await jetstream(nats)
    .consumers.get(logStreamName(tenant), { filter_subjects: [...subjects], ...start })
    .catch((error: Error) => {
      throw new ScriptError(`the log of tenant ${tenant} cannot be read: ${error.message}`);
    });
  const messages = await consumer.consume();
  signal.addEventListener("abort", () => messages.stop(), { once: true });
  for await (const message of messages) yield entryOf(message, tenant);
}

function entryOf(message: JsMsg, tenant: string): PrintedEvent {
  const { subject, seq, info } = message;
  return {
    id: String(seq),
    time: new Date(Math.floor(info.timestampNanos / 1e6)).toISOString(),
    topic: topicIn(subject, tenant),
    data: dataOf(message.string()),
  };
}
