import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import type { StoredMessage } from "../../services/stream/bus/decode-entry.ts";
import { readBatch } from "../../services/stream/bus/read-batch.ts";

const BATCH = { batch: 1_000, max_bytes: 4 * 1024 * 1024 };
const PACING = { answerMs: 30_000 };

/** Where to begin: at a sequence, or at a time in RFC 3339. */
export type LogPlace = { readonly seq: number } | { readonly start_time: string };

/** Reads a tenant's log as an edge reads it, up to and including the last of `to`, or to its end. */
export async function* readStored(
  nats: NatsConnection,
  jsm: JetStreamManager,
  tenant: string,
  from: LogPlace,
  to: number,
): AsyncGenerator<StoredMessage> {
  let place = from;
  for (;;) {
    const messages = await readBatch({ nats, jsm, pacing: PACING }, logStreamName(tenant), { ...place, ...BATCH });
    for (const message of messages) {
      if (message.seq > to) return;
      yield message;
    }
    const last = messages.at(-1);
    if (last === undefined || last.seq >= to) return;
    place = { seq: last.seq + 1 };
  }
}
