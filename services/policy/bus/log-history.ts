import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { z } from "zod";
import { erasedEntrySchema, sessionEntrySchema } from "#shared/contract/control-entry.ts";
import { nanosOf } from "#shared/contract/event-tag.ts";
import { erasedControlSubject, logStreamName, sessionControlSubject } from "#shared/contract/tenant-log.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { startTimeOf } from "#shared/nats/start-time.ts";
import type { EventHistory, History, Placed } from "../events/event-log.ts";
import { readDirect } from "./read-direct.ts";
import { answeredOrUnknown } from "./answered.ts";

/** What one read brings. The largest entry of an erasure has 128 kB. */
const PAGE = { batch: 1_024, max_bytes: 4 * 1024 * 1024 };

/** So many pages are read of one kind of entries: some thousand sessions that ended, or an erasure for each minute of a week. */
const MAX_PAGES = 10;

/** The control entries of the tenants' logs, and events by their time. Any replica may answer: one seldom lags so far. */
export function logHistory(
  manager: JetStreamManager,
): Pick<EventHistory, "aroundTime" | "erasuresBehind" | "sessionsBehind"> {
  return {
    aroundTime: (tenant, topic, at) =>
      answeredOrUnknown(tenant, async () => {
        const subject = `events.${tenant}.${topic}`;
        const time = startTimeOf(at);
        const stream = logStreamName(tenant);
        const until = { multi_last: [subject], up_to_time: time };
        const since = { start_time: time, next_by_subj: subject, batch: 1 };
        const [before, after] = await Promise.all([
          readDirect((callback) => manager.direct.getLastMessagesFor(stream, { ...until, callback })),
          readDirect((callback) => manager.direct.getBatch(stream, { ...since, callback })),
        ]);
        return { before: before[0]?.seq, after: after[0]?.seq };
      }),
    erasuresBehind: (tenant, seq) =>
      answeredOrUnknown(tenant, () =>
        readBehind(manager, { tenant, subject: erasedControlSubject(tenant), schema: erasedEntrySchema }, seq),
      ),
    sessionsBehind: (tenant, seq) =>
      answeredOrUnknown(tenant, () =>
        readBehind(manager, { tenant, subject: sessionControlSubject(tenant), schema: sessionEntrySchema }, seq),
      ),
  };
}

interface EntriesOf<Entry> {
  readonly tenant: string;
  readonly subject: string;
  readonly schema: z.ZodType<Entry>;
}

/** The entries of a subject behind a place, as far as the pages go. What is none is left out. */
async function readBehind<Entry>(
  manager: JetStreamManager,
  { tenant, subject, schema }: EntriesOf<Entry>,
  seq: number,
): Promise<History<Entry>> {
  const entries: Placed<Entry>[] = [];
  const stream = logStreamName(tenant);
  let next = seq + 1;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = { ...PAGE, seq: next, next_by_subj: subject };
    const messages = await readDirect((callback) => manager.direct.getBatch(stream, { ...query, callback }));
    if (messages.length === 0) return { entries, hasMore: false };
    entries.push(...messages.flatMap((message) => placed(message, schema)));
    next = (messages.at(-1)?.seq ?? next) + 1;
  }
  return { entries, hasMore: true };
}

function placed<Entry>(message: StoredMsg, schema: z.ZodType<Entry>): Placed<Entry>[] {
  const { success, data } = schema.safeParse(parseJson(message.string()));
  if (!success) return [];
  return [{ seq: message.seq, storedAt: Number(nanosOf(message.timestamp) / 1_000_000n), entry: data }];
}
