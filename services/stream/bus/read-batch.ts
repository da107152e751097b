import { createInbox, type Msg } from "@nats-io/transport-node";
import { nanosOf } from "#shared/contract/event-tag.ts";
import type { StoredMessage } from "./decode-entry.ts";
import { logUnreadable } from "./inspect-log.ts";
import { headerBlockOf } from "#shared/nats/header-block.ts";
import { splitDirectBlock, statusOf } from "./message-headers.ts";
import type { Bus } from "./paced-bus.ts";

/** Which messages of a stream to read: from a sequence or a time on. */
export type BatchQuery = { readonly batch: number; readonly max_bytes?: number } & (
  | { readonly seq: number }
  | { readonly start_time: string }
);

/** JetStream's status where there is nothing to read, and at the end of what it has sent. */
const NOT_FOUND = 404;
const END_OF_BATCH = 204;

/**
 * Reads messages from any replica (a batch of direct gets, ADR-31); none where that replica has nothing there (yet). The
 * library's own call gives up after 5 s, however far away the broker is, and leaves its subscription behind.
 * @throws {AppError} `unavailable` when the answer does not come in time.
 */
export async function readBatch(
  { nats, jsm, pacing }: Pick<Bus, "nats" | "jsm"> & { readonly pacing: Pick<Bus["pacing"], "answerMs"> },
  stream: string,
  query: BatchQuery,
): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  const { resolve, reject, promise } = Promise.withResolvers<void>();
  const inbox = createInbox(jsm.getOptions().watcherPrefix);
  const subscription = nats.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null) return reject(error);
      const block = headerBlockOf(message) ?? Buffer.alloc(0);
      const stored = storedMessage(message, block);
      if (stored !== undefined) return void messages.push(stored);
      const status = statusOf(block);
      if (status === NOT_FOUND || status === END_OF_BATCH) return resolve();
      reject(new Error(`JetStream answered ${block.toString("latin1", 0, 100)}`));
    },
  });
  const timer = setTimeout(() => reject(new Error("JetStream does not answer")), pacing.answerMs);
  try {
    nats.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query), { reply: inbox });
    await promise;
    return messages;
  } catch (error) {
    throw logUnreadable(error);
  } finally {
    clearTimeout(timer);
    subscription.unsubscribe();
  }
}

/** A producer may have published any status and headers of the server's names: only what the server has appended counts. */
function storedMessage({ data }: Msg, block: Buffer): StoredMessage | undefined {
  const parts = splitDirectBlock(block);
  if (parts === undefined) return undefined;
  const { server, published } = parts;
  return {
    subject: server.get("Nats-Subject") ?? "",
    seq: Number(server.get("Nats-Sequence")),
    data,
    storedAtNanos: nanosOf(server.get("Nats-Time-Stamp") ?? ""),
    headers: published,
  };
}
