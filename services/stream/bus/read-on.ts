import { AckPolicy, DeliverPolicy, type JetStreamManager } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { MessageWindow, type WindowDeps } from "./message-window.ts";
import { pullMessages } from "./pull-messages.ts";

/** The reason to give up a consumer that says it lives, and brings nothing. */
export const STALLED = new AppError("unavailable", "the consumer does not bring what the log has");

/** A log to read on, and the receiver of its entries. */
export interface Reading extends WindowDeps {
  /** Aborted when the connection to NATS is lost, or for another reason for which the consumer is given up, an `AppError`. */
  readonly lost: AbortSignal;
  readonly stop: AbortSignal;
  /** The consumer lives, and every message was passed. */
  readonly onHeartbeat: () => void;
}

/** Reads a log on with a consumer of its own until something disturbs it, and answers the reason. */
export async function readOn(reading: Reading): Promise<Error> {
  const { bus, tenant, lost, stop } = reading;
  const { jsm, pacing } = bus;
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
  const pull = pullMessages({
    nats: bus.nats,
    stream,
    consumer: info.name,
    pacing,
    onMessage: (message) => window.receive(message),
    room: () => (window.isFull ? window.room() : undefined),
    onHeartbeat: () => (window.isEmpty ? reading.onHeartbeat() : undefined),
    onEnd: disturbed.resolve,
  });
  const over = AbortSignal.any([lost, stop]);
  const onOver = (): void => {
    // What is held may wait for a leader that does not answer, or that is not asked any more.
    window.abandon();
    disturbed.resolve(reasonOf(over));
  };
  over.addEventListener("abort", onOver);
  if (over.aborted) onOver();
  const reason = await disturbed.promise;
  pull[Symbol.dispose]();
  await window.drained();
  window.abandon();
  over.removeEventListener("abort", onOver);
  await deleteConsumer(jsm, stream, info.name, stop);
  return reason;
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof AppError ? reason : new AppError("unavailable", "the connection to NATS was lost");
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
