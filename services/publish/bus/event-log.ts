import { randomBytes } from "node:crypto";
import { headers as createHeaders, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { RetryBudget } from "#shared/async/retry-budget.ts";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { headersOf } from "../events/header-block.ts";
import { messageIdOf } from "../events/event-ids.ts";
import type { PublishedEvent } from "../events/published-event.ts";
import type { EventLog, Stored } from "../publish-events.ts";
import { asQuestion, askLog, type LogAnswer } from "./ask-log.ts";

/** No try begins later than after so many times the time of one. */
const TRIES_LAST = 1.2;

/** A command of NATS may have that much around the payload that counts as payload. */
const HEADER_ROOM = 512;

/** What the log writes by. */
export interface EventLogDeps {
  readonly nats: NatsConnection;
  readonly retries: RetryBudget;
  /** How long the bus may take to store a message or a batch; for that long and a little more it is tried again. */
  readonly timeoutMs: number;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
}

/** The tenants' logs, as the user of the bus that can write events and nothing else. */
export function createEventLog(deps: EventLogDeps): EventLog {
  return {
    async append(tenant, publisher, events) {
      const messages = events.map((event) => messageOf(deps.nats, tenant, publisher, event));
      return storeAll({ ...deps, tenant, end: deps.now() + TRIES_LAST * deps.timeoutMs }, messages);
    },
  };
}

/** What storing the events of one call takes. */
interface Storing extends EventLogDeps {
  readonly tenant: string;
  /** The monotonic time from which on nothing is tried any more. */
  readonly end: number;
}

type Header = readonly [name: string, value: string];

interface Message {
  readonly subject: string;
  readonly payload: Buffer;
  /** The first one is the id by which the log knows the message again. */
  readonly headers: readonly [Header, ...Header[]];
}

function messageOf({ info }: NatsConnection, tenant: string, publisher: string, event: PublishedEvent): Message {
  const headers: Message["headers"] = [["Nats-Msg-Id", messageIdOf(publisher, event)], ...headersOf(event)];
  const headerBytes = headers.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value) + 4,
    0,
  );
  const maxBytes = info?.max_payload ?? 1024 * 1024;
  if (event.payload.length + headerBytes + HEADER_ROOM > maxBytes) {
    throw new AppError("limit_exceeded", `an event with its attributes may have ${maxBytes - HEADER_ROOM} bytes`);
  }
  return { subject: `ingest.${tenant}.${event.topic}`, payload: event.payload, headers };
}

/**
 * Stores a batch as a whole, in its order. A bus that cannot tell repeated ids in batches (before NATS 2.14) refuses every batch: there the
 * events are sent one by one, and one that is lost on its way comes behind the others.
 */
async function storeAll(storing: Storing, messages: readonly Message[]): Promise<readonly Stored[]> {
  const [first, ...others] = messages;
  if (first === undefined) return [];
  if (others.length === 0) return [await storeOne(storing, first)];
  const answer = await untilAnswered(storing, () => sendBatch(storing, messages));
  if (answer.kind === "no-batch") return storeEach(storing, messages);
  if (answer.kind === "repeated") return storeRest(storing, messages);
  const { count } = acknowledged(storing, answer);
  if (count === messages.length) return messages.map(() => ({ isDuplicate: false }));
  throw new AppError(
    "unavailable",
    `the log of tenant ${storing.tenant} stored another number of events than it was sent`,
  );
}

/** Stores, as a whole, what of a batch the log has not yet. */
async function storeRest(storing: Storing, messages: readonly Message[]): Promise<Stored[]> {
  const isKnown = await allOrFault(messages.map((message) => isStored(storing, message)));
  if (!isKnown.includes(true)) throw maybeStored(new Error("the same events are just being stored"));
  const stored = (
    await storeAll(
      storing,
      messages.filter((_, place) => !isKnown[place]),
    )
  )[Symbol.iterator]();
  return isKnown.map((isDuplicate) => (isDuplicate ? { isDuplicate } : (stored.next().value as Stored)));
}

async function isStored(storing: Storing, { subject, headers: [id] }: Message): Promise<boolean> {
  const ask = () => askLog(storing.nats, asQuestion({ subject, headers: encode([id]) }), storing.timeoutMs);
  const answer = await untilAnswered(storing, ask);
  return answer.kind !== "absent" && acknowledged(storing, answer).isDuplicate;
}

function storeEach(storing: Storing, messages: readonly Message[]): Promise<Stored[]> {
  return allOrFault(messages.map((message) => storeOne(storing, message)));
}

async function storeOne(storing: Storing, { subject, payload, headers }: Message): Promise<Stored> {
  const send = () => askLog(storing.nats, { subject, payload, headers: encode(headers) }, storing.timeoutMs);
  return { isDuplicate: acknowledged(storing, await untilAnswered(storing, send)).isDuplicate };
}

/** Waits for all of them: what one has failed by, others may have done. */
async function allOrFault<Outcome>(working: readonly Promise<Outcome>[]): Promise<Outcome[]> {
  return (await Promise.allSettled(working)).map((outcome) => {
    if (outcome.status === "fulfilled") return outcome.value;
    throw maybeStored(outcome.reason);
  });
}

/** Only the last message asks for an answer. All are sent in one tick: batches of this process do not mix. */
function sendBatch({ nats, timeoutMs }: EventLogDeps, messages: readonly Message[]): Promise<LogAnswer> {
  const batch = randomBytes(12).toString("base64url");
  const encoded = messages.map(({ headers }, place) =>
    encode([...headers, ["Nats-Batch-Id", batch], ["Nats-Batch-Sequence", String(place + 1)]]),
  );
  for (const [place, { subject, payload }] of messages.slice(0, -1).entries()) {
    const headers = encoded[place];
    if (headers !== undefined) nats.publish(subject, payload, { headers });
  }
  const [last, headers] = [messages.at(-1), encoded.at(-1)];
  if (last === undefined || headers === undefined) throw new RangeError("a batch has at least one message");
  headers.set("Nats-Batch-Commit", "1");
  return askLog(nats, { ...last, headers }, timeoutMs);
}

/** Sends again what nobody answers: by its id it is stored once at most. */
async function untilAnswered(
  { retries, tenant, end, now }: Storing,
  send: () => Promise<LogAnswer>,
): Promise<Exclude<LogAnswer, { kind: "unanswered" }>> {
  let cause: unknown;
  const ask = async () => {
    const answer = await send();
    if (answer.kind !== "unanswered") return answer;
    ({ cause } = answer);
    return undefined;
  };
  const answer = await retries.untilAnswered(`log ${tenant}`, ask, () => now() < end);
  if (answer === undefined) throw maybeStored(cause);
  return answer;
}

function acknowledged(
  { tenant }: Storing,
  answer: Exclude<LogAnswer, { kind: "unanswered" }>,
): Extract<LogAnswer, { kind: "stored" }> {
  if (answer.kind === "stored" && answer.stream === logStreamName(tenant)) return answer;
  if (answer.kind === "too-large") throw new AppError("limit_exceeded", "the tenant's log takes only smaller events");
  if (answer.kind === "stored") {
    throw new AppError("unavailable", "another stream than the tenant's log took the events", { facts: { tenant } });
  }
  throw new AppError("unavailable", "the tenant's log does not take events right now: nothing was stored; try again", {
    facts: { tenant, reason: answer.reason },
  });
}

function maybeStored(cause: unknown): AppError {
  const message = "the log did not say whether it stored the events; send the same request again, with the same ids";
  return new AppError("unavailable", message, { cause, mayBeDone: true });
}

function encode(pairs: readonly Header[]): MsgHdrs {
  const headers = createHeaders();
  for (const [name, value] of pairs) headers.set(name, value);
  return headers;
}
