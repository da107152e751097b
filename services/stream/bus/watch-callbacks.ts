import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { ALL_SUBSCRIPTIONS, SUBSCRIPTIONS_STREAM } from "#shared/contract/subscriptions.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { linesOf } from "#shared/nats/read-attributes.ts";
import { decodeName } from "#shared/protocol/encode-name.ts";
import { isName } from "#shared/protocol/names.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import type { SubscriptionKey } from "../durable/subscription-store.ts";
import { ConnectionWatch } from "./connection-watch.ts";
import type { StoredMessage } from "./decode-entry.ts";
import type { Bus } from "./paced-bus.ts";
import { pullMessages } from "./pull-messages.ts";
import { CALLBACK_HEADER } from "./subscriptions-kv.ts";

const BACKOFF = { baseMs: 50, maxMs: 10_000 };

/** After this a consumer that nobody reads is gone. */
const CONSUMER_LIVES_MS = 30_000;

const HEADER = Buffer.from(`${CALLBACK_HEADER}:`);

/** Told of each record that is stored. */
export interface CallbackListener {
  /** A record with a callback was stored; `holder` is the connection that holds it, undefined while none does. */
  onCallback(key: SubscriptionKey, holder: string | undefined): void;
  /** A record without a callback was stored, or what stands for a deleted one. */
  onOther(key: SubscriptionKey): void;
}

/**
 * Tells of every record of a subscription, first of all that are there and then of each that is stored, until disposed. Only the
 * records' headers are read. After a disturbance all of them are told of again; what is gone by its time to live is not told.
 */
export function watchCallbacks(bus: Bus, listener: CallbackListener, log: Pick<Logger, "warn">): AsyncDisposable {
  const stop = new AbortController();
  const connection = new ConnectionWatch(bus.nats, stop.signal);
  const watching = watchUntil(bus, listener, { stop: stop.signal, connection, log });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}

interface Watching {
  readonly stop: AbortSignal;
  readonly connection: ConnectionWatch;
  readonly log: Pick<Logger, "warn">;
}

async function watchUntil(bus: Bus, listener: CallbackListener, { stop, connection, log }: Watching): Promise<void> {
  for (let failures = 0; !stop.aborted; failures += 1) {
    await connection.up();
    if (stop.aborted) return;
    const reason = await watchOnce(bus, listener, AbortSignal.any([stop, connection.lost]), () => (failures = 0));
    // The first disturbance is a restart of the broker, mostly.
    if (failures === 1) log.warn({ reason: reason.message }, "the records of subscriptions cannot be watched");
    await connection.pause(backoffMs(failures, BACKOFF));
  }
}

/** Watches until something disturbs it, and answers the reason; it never throws. */
async function watchOnce(
  { nats, jsm, pacing }: Bus,
  listener: CallbackListener,
  over: AbortSignal,
  onAlive: () => void,
): Promise<Error> {
  const disturbed = Promise.withResolvers<Error>();
  const onOver = (): void => disturbed.resolve(new Error("the connection to NATS was lost"));
  over.addEventListener("abort", onOver);
  if (over.aborted) onOver();
  try {
    const { name } = await jsm.consumers.add(SUBSCRIPTIONS_STREAM, {
      filter_subject: ALL_SUBSCRIPTIONS,
      deliver_policy: DeliverPolicy.LastPerSubject,
      ack_policy: AckPolicy.None,
      headers_only: true,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(CONSUMER_LIVES_MS),
    });
    using _pull = pullMessages({
      nats,
      stream: SUBSCRIPTIONS_STREAM,
      consumer: name,
      pacing,
      onMessage: (message) => notify(message, listener),
      room: () => undefined,
      onHeartbeat: onAlive,
      onEnd: disturbed.resolve,
    });
    return await disturbed.promise;
  } catch (error) {
    return error as Error;
  } finally {
    over.removeEventListener("abort", onOver);
  }
}

function notify({ subject, headers }: StoredMessage, listener: CallbackListener): void {
  const key = keyOf(subject);
  if (key === undefined) return;
  const line = headers && [...linesOf(headers)].find((each) => each.subarray(0, HEADER.length).equals(HEADER));
  if (line === undefined) return listener.onOther(key);
  const holder = line.toString("utf8", HEADER.length).trim();
  listener.onCallback(key, holder === "none" ? undefined : holder);
}

/** `$KV.sluice_subs.<tenant>.<subject>.<name>` */
function keyOf(text: string): SubscriptionKey | undefined {
  const [, , tenant = "", token = "", name = ""] = text.split(".");
  const subject = decodeName(token);
  return subject !== undefined && isName(tenant) && isName(name) ? { tenant, subject, name } : undefined;
}
