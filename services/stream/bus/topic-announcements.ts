import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { toAppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { AnnounceTopics, TopicsAnnouncement } from "../connections/client-streams.ts";
import type { Observer } from "../observe/observer.ts";
import { whileOpen } from "#shared/nats/while-open.ts";

/** All edges hear it, and nobody else: they are an account of their own on the bus. */
const SUBJECT = "sluice.topics.changed";

const MAX_BYTES = 4 * 1_024;

const announcementSchema = z.object({
  client: z.object({ tenant: nameSchema, subject: freeNameSchema, client: nameSchema }),
  generation: z.int().nonnegative().optional(),
});

/** Announces to all edges. While the bus is away nothing is announced: `AnnounceTopics` says what that means. */
export function announceOnBus(nats: NatsConnection): AnnounceTopics {
  return (announcement) => {
    whileOpen(() => nats.publish(SUBJECT, JSON.stringify(announcement)));
  };
}

/** Calls `hear` with what any edge announces, this one included, until disposed. */
export function hearAnnouncements(
  nats: NatsConnection,
  hear: (announcement: TopicsAnnouncement) => Promise<void>,
  observer: Pick<Observer, "fault">,
): Disposable {
  const subscription = nats.subscribe(SUBJECT, {
    callback: (error, message) => void (error === null ? heed(message.data) : observer.fault(error)),
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };

  async function heed(data: Uint8Array): Promise<void> {
    if (data.length > MAX_BYTES) return;
    const read = announcementSchema.safeParse(parseJson(new TextDecoder().decode(data)));
    try {
      if (read.success) await hear({ generation: undefined, ...read.data });
    } catch (thrown) {
      // Where topics cannot be changed now, they stay: their record is written anew with the next change.
      if (toAppError(thrown).code === "internal") observer.fault(thrown);
    }
  }
}
