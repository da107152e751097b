import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JetStreamManager } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { MessageWindow, type WindowDeps } from "./message-window.ts";

/** A log to read on, and the receiver of its entries. */
export interface Reading extends WindowDeps {
  /** Aborted when the connection to NATS is lost. */
  readonly lost: AbortSignal;
  readonly stop: AbortSignal;
  /** The consumer lives, and every message was passed. */
  readonly onHeartbeat: () => void;
}

/** Reads a log on with a consumer of its own until something disturbs it, and answers the reason. */
export async function readOn(reading: Reading): Promise<Error> {
  const { bus, tenant, lost, stop } = reading;
  const { js, jsm, pacing } = bus;
  const stream = logStreamName(tenant);
  const info = await jsm.consumers.add(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: reading.after() + 1,
    ack_policy: AckPolicy.None,
    inactive_threshold: nanos(Math.max(30_000, 3 * pacing.heartbeatMs)),
    mem_storage: true,
    num_replicas: 1,
  });
  const disturbed = Promise.withResolvers<Error>();
  const window = new MessageWindow(reading, disturbed.resolve);
  const messages = await js.consumers.getConsumerFromInfo(info).consume({
    max_messages: pacing.maxMessages,
    idle_heartbeat: pacing.heartbeatMs,
    expires: pacing.pullExpiresMs,
  });
  receiveAll(messages, window).catch(disturbed.resolve);
  const onHeartbeat = (): void => (window.isEmpty ? reading.onHeartbeat() : undefined);
  void watchStatus(messages, onHeartbeat, disturbed.resolve);
  const over = AbortSignal.any([lost, stop]);
  const onOver = (): void => disturbed.resolve(new AppError("unavailable", "the connection to NATS was lost"));
  over.addEventListener("abort", onOver);
  if (over.aborted) onOver();
  const reason = await disturbed.promise;
  messages.stop();
  if (!over.aborted) await window.drained();
  window.abandon();
  await deleteConsumer(jsm, stream, info.name, stop);
  return reason;
}

/** An iterator, and not a callback: the client asks for more as these are taken, so a tenant that is slow is sent no more. */
async function receiveAll(messages: ConsumerMessages, window: MessageWindow): Promise<void> {
  for await (const message of messages) {
    window.receive(message);
    if (window.isFull) await window.room();
    if (window.isAbandoned) return;
  }
}

/** A broker that is away does not answer: only a feed that stops waits for it. */
async function deleteConsumer(
  jsm: JetStreamManager,
  stream: string,
  consumer: string,
  stop: AbortSignal,
): Promise<void> {
  const deleted = jsm.consumers.delete(stream, consumer).catch(() => undefined);
  if (stop.aborted) await deleted;
}

/** Reports after which a consumer may not go on by itself. */
const ENDING: ReadonlySet<string> = new Set([
  "heartbeats_missed",
  "consumer_deleted",
  "consumer_not_found",
  "stream_not_found",
  "no_responders",
  "exceeded_limits",
]);

/** Passes heartbeats on, and reports why the messages end. */
async function watchStatus(
  messages: ConsumerMessages,
  onHeartbeat: () => void,
  disturb: (reason: Error) => void,
): Promise<void> {
  void messages.closed().then((error) => disturb(error instanceof Error ? error : new Error("the messages ended")));
  for await (const { type } of messages.status()) {
    if (type === "heartbeat") onHeartbeat();
    else if (ENDING.has(type)) disturb(new AppError("unavailable", `the consumer reports ${type}`));
  }
}
