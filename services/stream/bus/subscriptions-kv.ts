import { AckPolicy, DeliverPolicy, type JetStreamManager } from "@nats-io/jetstream";
import { headers, nanos } from "@nats-io/transport-node";
import { inTurns } from "#shared/async/in-turns.ts";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { DELETED_RECORD } from "#shared/contract/subscription-record.ts";
import { SUBSCRIPTIONS_STREAM, subscriptionSubject, tenantSubscriptions } from "#shared/contract/subscriptions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { isLostRace } from "#shared/nats/is-lost-race.ts";
import { parseRecord } from "../durable/record.ts";
import type {
  FindEnd,
  FindReal,
  StorableRecord,
  StoredRecord,
  SubscriptionKey,
  SubscriptionStore,
} from "../durable/subscription-store.ts";
import { epochOf, readLogInfo, tagAt } from "./inspect-log.ts";
import type { Bus } from "./paced-bus.ts";

/** What stands in place of a deleted record is gone after this. Until then no late write brings the record back. */
const DELETED_SECONDS = 60;

/** Marks a record with a callback, and says which connection holds it: who looks for those need not be sent any record. */
export const CALLBACK_HEADER = "Sluice-Callback-Holder";

/** So many messages are asked for at a time. */
const TOGETHER = 32;

/** A consumer that only counts is gone after this. */
const COUNTER_LIVES_MS = 2_000;

/**
 * The records in JetStream: one message for each, replaced by compare-and-set. The edge may write and read them there, and delete
 * nothing: each message has a time to live.
 */
export function createSubscriptionStore(bus: Pick<Bus, "js" | "jsm">): SubscriptionStore {
  return {
    read: (key) => answered(() => read(bus.jsm, key)),
    put: (key, record, write) => answered(() => put(bus, key, record, write)),
    remove: async (key, write) => {
      const trace = { text: DELETED_RECORD, ttlSeconds: DELETED_SECONDS };
      return (await answered(() => put(bus, key, trace, write))) !== undefined;
    },
    names: ({ tenant, subject }) => answered(() => readNames(bus.jsm, subscriptionSubject(tenant, subject, "*"))),
    count: (tenant) => answered(() => count(bus.jsm, tenantSubscriptions(tenant))),
  };
}

/** Finds out which messages a tenant's log has, by its leader. */
export function createFindReal({ jsm }: Pick<Bus, "jsm">): FindReal {
  return async (tenant, tags) => {
    const found = await inTurns([...tags], TOGETHER, async ([seq, tag]) => {
      const isReal = (await answered(() => tagAt(jsm, tenant, seq))) === tag;
      return isReal ? [seq] : [];
    });
    return new Set(found.flat());
  };
}

/** Finds out where a tenant's log ends, by its leader. */
export function createFindEnd({ jsm }: Pick<Bus, "jsm">): FindEnd {
  return async (tenant) => {
    const info = await readLogInfo(jsm, tenant);
    return { epoch: epochOf(info), seq: info.state.last_seq };
  };
}

async function read(jsm: JetStreamManager, key: SubscriptionKey): Promise<StoredRecord | undefined> {
  const message = await jsm.streams.getMessage(SUBSCRIPTIONS_STREAM, { last_by_subj: subjectOf(key) });
  if (message === null) return undefined;
  const value = parseRecord(message.string());
  switch (value.is) {
    case "record":
      return { record: value.record, write: message.seq };
    case "deleted":
      return undefined;
    case "newer":
      throw new AppError(
        "unavailable",
        "a newer release has written this subscription; this server cannot read it yet",
      );
    case "corrupted":
      throw new AppError(
        "subscription_unreadable",
        "the record of this subscription cannot be read; it is left as it is",
        {
          facts: { record: subjectOf(key) },
        },
      );
  }
}

async function put(
  { js, jsm }: Pick<Bus, "js" | "jsm">,
  key: SubscriptionKey,
  { text, ttlSeconds, callbackHolder }: StorableRecord,
  write: number | undefined,
): Promise<number | undefined> {
  const expected = write ?? (await deletedWrite(jsm, key));
  if (expected === undefined) return undefined;
  const given = headers();
  given.set("Nats-Expected-Last-Subject-Sequence", String(expected));
  given.set("Nats-TTL", `${ttlSeconds}s`);
  if (callbackHolder !== undefined) given.set(CALLBACK_HEADER, callbackHolder);
  try {
    return (await js.publish(subjectOf(key), text, { headers: given })).seq;
  } catch (error) {
    if (isLostRace(error)) return undefined;
    throw error;
  }
}

/** The write that a new record may replace: none, or what stands for a deleted one; undefined where a record is there. */
async function deletedWrite(jsm: JetStreamManager, key: SubscriptionKey): Promise<number | undefined> {
  const message = await jsm.streams.getMessage(SUBSCRIPTIONS_STREAM, { last_by_subj: subjectOf(key) });
  if (message === null) return 0;
  return message.string() === DELETED_RECORD ? message.seq : undefined;
}

async function readNames(jsm: JetStreamManager, subject: string): Promise<string[]> {
  const { state } = await jsm.streams.info(SUBSCRIPTIONS_STREAM, { subjects_filter: subject });
  const names = Object.keys(state.subjects ?? {}).map((each) => each.slice(each.lastIndexOf(".") + 1));
  return names.toSorted();
}

/** A list of a hundred thousand names only to count them would be megabytes; a consumer knows how many it would deliver. */
async function count(jsm: JetStreamManager, subject: string): Promise<number> {
  const { num_pending } = await jsm.consumers.add(SUBSCRIPTIONS_STREAM, {
    filter_subject: subject,
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.None,
    mem_storage: true,
    inactive_threshold: nanos(COUNTER_LIVES_MS),
  });
  return num_pending;
}

function subjectOf({ tenant, subject, name }: SubscriptionKey): string {
  return subscriptionSubject(tenant, subject, name);
}

function answered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  return orUnavailable("the store of subscriptions does not answer; try again", ask);
}
