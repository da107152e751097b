import { formatEventId, parseEventId } from "#shared/protocol/event-id.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { ErasureLog } from "./erasure-log.ts";

/** Reads that are under way together. */
const AT_ONCE = 32;

/** How many ids a refusal names. */
const MAX_NAMED = 20;

/** Events that are still in the log, and are to be erased: of each topic, the sequences. */
type Erasable = ReadonlyMap<string, ReadonlySet<number>>;

/** An event that an id names, or why there is none. */
type Found = { readonly topic: string; readonly seq: number } | { readonly missing: Missing };
type Missing = "gone" | "other_log" | "other_event" | "not_an_event";

/**
 * Finds the events of these ids. Ids whose events are gone already are left out.
 * @throws {AppError} `malformed_request` for a text that is no event's id; `not_found` for one of another log, or of no event
 * in it; `not_erasable_alone` when an earlier event of the same topic is kept and is not named too: JetStream purges a
 * subject only from its beginning.
 */
export async function findErasable(logs: ErasureLog, tenant: string, ids: readonly string[]): Promise<Erasable> {
  const { epoch, last } = await logs.describe(tenant);
  const found = await lookUp(logs, tenant, epoch, ids);
  for (const [index, each] of found.entries()) {
    if ("missing" in each) refuseMissing(ids[index] ?? "", each.missing, last);
  }
  const erasable = groupByTopic(found);
  for (const [topic, sequences] of erasable) await requireAlone(logs, tenant, epoch, topic, sequences);
  return erasable;
}

/** Finds which events of an erased entry's ids are still in the log, which may have got another epoch since. */
export async function findKept(logs: ErasureLog, tenant: string, ids: readonly string[]): Promise<Erasable> {
  return groupByTopic(await lookUp(logs, tenant, undefined, ids));
}

async function lookUp(
  logs: ErasureLog,
  tenant: string,
  epoch: string | undefined,
  ids: readonly string[],
): Promise<Found[]> {
  const found: Found[] = [];
  for (let first = 0; first < ids.length; first += AT_ONCE) {
    const some = ids.slice(first, first + AT_ONCE).map((id) => find(logs, tenant, epoch, id));
    found.push(...(await Promise.all(some)));
  }
  return found;
}

async function find(logs: ErasureLog, tenant: string, epoch: string | undefined, text: string): Promise<Found> {
  const id = parseEventId(text);
  if (id === undefined || id.position.seq === 0) return { missing: "not_an_event" };
  if (epoch !== undefined && id.epoch !== epoch) return { missing: "other_log" };
  const { seq, tag } = id.position;
  const message = await logs.read(tenant, seq);
  if (message === undefined) return { missing: "gone" };
  if (message.tag !== tag) return { missing: "other_event" };
  const prefix = `events.${tenant}.`;
  if (!message.subject.startsWith(prefix)) return { missing: "not_an_event" };
  return { topic: message.subject.slice(prefix.length), seq };
}

function refuseMissing(id: string, missing: Missing, last: number): void {
  switch (missing) {
    case "gone":
      if ((parseEventId(id)?.position.seq ?? 0) <= last) return;
      throw new AppError("not_found", `the log ends at ${last}, before the event ${id}`);
    case "other_log":
      throw new AppError("not_found", `the id ${id} was given before the tenant's log was made anew`);
    case "other_event":
      throw new AppError("not_found", `another message stands where the id ${id} says`);
    case "not_an_event":
      throw new AppError("malformed_request", `${JSON.stringify(id)} is not the id of an event`);
  }
}

function groupByTopic(found: readonly Found[]): Erasable {
  const byTopic = new Map<string, Set<number>>();
  for (const each of found) {
    if ("missing" in each) continue;
    byTopic.set(each.topic, (byTopic.get(each.topic) ?? new Set()).add(each.seq));
  }
  return byTopic;
}

/** Walks the topic's events up to the last one to erase. It reads as many as there are ids, and as many as it names. */
async function requireAlone(
  logs: ErasureLog,
  tenant: string,
  epoch: string,
  topic: string,
  sequences: ReadonlySet<number>,
): Promise<void> {
  const through = Math.max(...sequences);
  const before: string[] = [];
  let seq = await logs.nextOfTopic(tenant, topic, 1);
  while (seq !== undefined && seq < through && before.length <= MAX_NAMED) {
    if (!sequences.has(seq)) {
      const message = await logs.read(tenant, seq);
      if (message !== undefined) before.push(formatEventId(epoch, { seq, tag: message.tag }));
    }
    seq = await logs.nextOfTopic(tenant, topic, seq + 1);
  }
  if (before.length === 0) return;
  const named = before.slice(0, MAX_NAMED).join(", ") + (before.length > MAX_NAMED ? ", and more" : "");
  throw new AppError("not_erasable_alone", `earlier events of ${topic} are kept, and would go too: ${named}`);
}
