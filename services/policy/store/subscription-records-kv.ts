import type { JetStreamManager } from "@nats-io/jetstream";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { DELETED_RECORD, type StoredSubscription, storedRecordSchema } from "#shared/contract/subscription-record.ts";
import { SUBSCRIPTIONS_STREAM, subscriptionSubject, tenantSubscriptions } from "#shared/contract/subscriptions.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { decodeName } from "#shared/protocol/encode-name.ts";
import type { SubscriptionReader } from "../explain/ports.ts";
import type { NamedRecord, SubscriptionBook } from "../subscriptions/subscription-book.ts";

/** A person may have 20, unless the edge is set otherwise. One with a full window and many dead letters has some 100 kB. */
const MAX_READ = 32;

/** So many records are read for one page at most: where a deleted one stood, nothing is to be told. */
const MAX_LOOKED = 1_000;

const AWAY = "the store of subscriptions does not answer; try again";

/** Reads the records of people's durable subscriptions from the bucket's leader. */
export function subscriptionRecordsKv({
  streams,
}: Pick<JetStreamManager, "streams">): SubscriptionReader & SubscriptionBook {
  const keysOf = async (filter: string): Promise<string[]> => {
    const { state } = await streams.info(SUBSCRIPTIONS_STREAM, { subjects_filter: filter });
    return Object.keys(state.subjects ?? {}).toSorted();
  };
  const readAt = async (key: string): Promise<NamedRecord[]> => {
    const text = (await streams.getMessage(SUBSCRIPTIONS_STREAM, { last_by_subj: key }))?.string();
    return text === undefined || text === DELETED_RECORD ? [] : [{ ...ownerIn(key), record: readRecord(text) }];
  };
  return {
    recordsOf: (tenant, subject) =>
      orUnavailable(AWAY, async () => {
        const keys = await keysOf(subscriptionSubject(tenant, subject, "*"));
        const found = (await Promise.all(keys.slice(0, MAX_READ).map(readAt))).flat();
        return new Map(found.map(({ name, record }) => [name, record]));
      }),
    page: (tenant, { subject, after, limit }) =>
      orUnavailable(AWAY, async () => {
        const all = subject === undefined ? tenantSubscriptions(tenant) : subscriptionSubject(tenant, subject, "*");
        const keys = (await keysOf(all)).filter((key) => placeIn(key) > after);
        const records: NamedRecord[] = [];
        let looked = 0;
        while (records.length < limit && looked < Math.min(keys.length, MAX_LOOKED)) {
          const some = keys.slice(looked, looked + Math.min(MAX_READ, limit - records.length));
          records.push(...(await Promise.all(some.map(readAt))).flat());
          looked += some.length;
        }
        return { records, next: looked < keys.length ? placeIn(keys[looked - 1] ?? "") : undefined };
      }),
    find: (tenant, subject, name) =>
      orUnavailable(AWAY, async () => (await readAt(subscriptionSubject(tenant, subject, name)))[0]),
  };
}

function readRecord(text: string): StoredSubscription | undefined {
  return storedRecordSchema.safeParse(parseJson(text)).data;
}

/** Where a key stands in the list of its tenant: `<the subject's token>.<name>`. */
function placeIn(key: string): string {
  return key.split(".").slice(-2).join(".");
}

function ownerIn(key: string): Pick<NamedRecord, "subject" | "name"> {
  const [token = "", name = ""] = key.split(".").slice(-2);
  return { subject: decodeName(token) ?? token, name };
}
