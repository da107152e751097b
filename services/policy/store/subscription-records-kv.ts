import type { JetStreamManager } from "@nats-io/jetstream";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { DELETED_RECORD, storedRecordSchema } from "#shared/contract/subscription-record.ts";
import { SUBSCRIPTIONS_STREAM, subscriptionSubject } from "#shared/contract/subscriptions.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { SubscriptionReader } from "../explain/ports.ts";

/** A person may have 20, unless the edge is set otherwise. One with a full window and many dead letters has some 100 kB. */
const MAX_READ = 32;

/** Reads the records of people's durable subscriptions from the bucket's leader. */
export function subscriptionRecordsKv({ streams }: Pick<JetStreamManager, "streams">): SubscriptionReader {
  return {
    recordsOf: (tenant, subject) =>
      orUnavailable("the store of subscriptions does not answer; try again", async () => {
        const all = subscriptionSubject(tenant, subject, "*");
        const { state } = await streams.info(SUBSCRIPTIONS_STREAM, { subjects_filter: all });
        const keys = Object.keys(state.subjects ?? {}).toSorted();
        const texts = await Promise.all(keys.slice(0, MAX_READ).map((key) => textAt(streams, key)));
        return new Map(
          texts.flatMap((text, place) =>
            text === undefined || text === DELETED_RECORD
              ? []
              : [[nameIn(keys[place] ?? ""), storedRecordSchema.safeParse(parseJson(text)).data] as const],
          ),
        );
      }),
  };
}

async function textAt(streams: JetStreamManager["streams"], key: string): Promise<string | undefined> {
  return (await streams.getMessage(SUBSCRIPTIONS_STREAM, { last_by_subj: key }))?.string();
}

function nameIn(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1);
}
