import { DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { tagOf } from "#shared/contract/event-tag.ts";
import { erasedControlSubject, logStreamName } from "#shared/contract/tenant-log.ts";
import { headerBlockOf } from "#shared/nats/header-block.ts";
import { readAttributes } from "#shared/nats/read-attributes.ts";
import type { EventFeed, FedEvent, FeedListener } from "../events/event-feed.ts";
import { answeredOrUnknown } from "./answered.ts";
import { cloudEventsAttributes, readErasedEntry } from "./read-log.ts";

/** What the server says of a payload that it leaves out. */
const SIZE = Buffer.from("\r\nNats-Msg-Size:");

/** Of an event with longer headers no attributes are kept: a tail holds 500 events, and a producer may write 16 KB of them for each. */
const MAX_KEPT_BYTES = 2_048;

/** The events of the tenants' logs by consumers that are sent no payloads: a producer of large events costs policy nothing. */
export function createEventFeed(nats: NatsConnection): EventFeed {
  return { follow: (...followed) => follow(nats, ...followed) };
}

async function follow(
  nats: NatsConnection,
  tenant: string,
  from: number,
  listener: FeedListener,
  stop: AbortSignal,
): Promise<void> {
  const consumer = await answeredOrUnknown(tenant, () =>
    jetstream(nats).consumers.get(logStreamName(tenant), {
      filter_subjects: [`events.${tenant}.>`, erasedControlSubject(tenant)],
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, from),
      headers_only: true,
    }),
  );
  try {
    const messages = await answeredOrUnknown(tenant, async () => {
      if ((await consumer.info()).num_pending === 0) listener.onCaughtUp();
      return consumer.consume();
    });
    const close = (): void => void messages.close();
    stop.addEventListener("abort", close, { once: true });
    if (stop.aborted) close();
    for await (const message of messages) {
      if (message.subject === erasedControlSubject(tenant)) await notifyErased(nats, tenant, message.seq, listener);
      else listener.onEvent(eventOf(message, tenant));
      if (message.info.pending === 0) listener.onCaughtUp();
    }
  } finally {
    // By itself the server keeps it for five minutes: who comes and goes would have it keep thousands. Nobody waits for a bus that is away.
    void consumer.delete().catch(() => undefined);
  }
}

/** The entry is read by itself: no payloads come here. */
async function notifyErased(nats: NatsConnection, tenant: string, seq: number, listener: FeedListener): Promise<void> {
  const entry = await answeredOrUnknown(tenant, async () => {
    const manager = await jetstreamManager(nats, { checkAPI: false });
    return readErasedEntry(await manager.streams.getMessage(logStreamName(tenant), { seq })).entry;
  });
  if (entry !== undefined) listener.onErased(entry);
}

function eventOf(message: JsMsg, tenant: string): FedEvent {
  const { seq, subject } = message;
  const { timestampNanos: storedAtNanos } = message;
  const { msg } = message as unknown as { readonly msg: Msg };
  return {
    seq,
    tag: tagOf(storedAtNanos),
    topic: subject.slice(`events.${tenant}.`.length),
    storedAt: Number(storedAtNanos / 1_000_000n),
    bytes: sizeOf(msg),
    attributes: attributesOf(msg),
  };
}

function attributesOf(message: Msg): FedEvent["attributes"] {
  const block = headerBlockOf(message);
  if (block !== undefined && block.length > MAX_KEPT_BYTES) return undefined;
  const read = readAttributes(block);
  return read === "too_large" ? undefined : cloudEventsAttributes(read);
}

/** The server writes the size last: a header of that name that a producer made up stands before it. */
function sizeOf(message: Msg): number {
  const block = headerBlockOf(message);
  const at = block?.lastIndexOf(SIZE) ?? -1;
  if (block === undefined || at === -1) return 0;
  return Number.parseInt(block.toString("latin1", at + SIZE.length, at + SIZE.length + 16), 10) || 0;
}
