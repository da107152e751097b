import { randomBytes } from "node:crypto";
import { headers as createHeaders, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { RetryBudget } from "#shared/async/retry-budget.ts";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { headersOf } from "../events/header-block.ts";
import { messageIdOf } from "../events/event-ids.ts";
import type { PublishedEvent } from "../events/published-event.ts";
import type { EventLog, Stored } from "../publish-events.ts";
import { askLog, type LogAnswer } from "./ask-log.ts";

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
      const [first] = messages;
      if (first === undefined) return [];
      if (messages.length === 1) return [await storeOne(deps, tenant, first)];
      return storeAll(deps, tenant, messages);
    },
  };
}

interface Message {
  readonly subject: string;
  readonly payload: Buffer;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

function messageOf({ info }: NatsConnection, tenant: string, publisher: string, event: PublishedEvent): Message {
  const headers = [["Nats-Msg-Id", messageIdOf(publisher, event)] as const, ...headersOf(event)];
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

async function storeOne(deps: EventLogDeps, tenant: string, { subject, payload, headers }: Message): Promise<Stored> {
  const send = () => askLog(deps.nats, { subject, payload, headers: encode(headers) }, deps.timeoutMs);
  const answer = await untilAnswered(deps, tenant, send);
  return { isDuplicate: acknowledged(tenant, answer).isDuplicate };
}

/**
 * Stores a batch as a whole. One that holds an event of before is refused as a whole by the bus, as is every batch by a bus that cannot
 * tell repeated ids in batches (before NATS 2.14): its events are stored one by one then, which repeats none of them.
 */
async function storeAll(deps: EventLogDeps, tenant: string, messages: readonly Message[]): Promise<readonly Stored[]> {
  const answer = await untilAnswered(deps, tenant, () => sendBatch(deps, messages));
  if (answer.kind === "no-batch") return storeEach(deps, tenant, messages);
  const { count } = acknowledged(tenant, answer);
  if (count === messages.length) return messages.map(() => ({ isDuplicate: false }));
  throw new AppError("unavailable", `the log of tenant ${tenant} stored another number of events than it was sent`);
}

async function storeEach(deps: EventLogDeps, tenant: string, messages: readonly Message[]): Promise<Stored[]> {
  const outcomes = await Promise.allSettled(messages.map((message) => storeOne(deps, tenant, message)));
  return outcomes.map((outcome) => {
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
  { retries, timeoutMs, now }: EventLogDeps,
  tenant: string,
  send: () => Promise<LogAnswer>,
): Promise<Exclude<LogAnswer, { kind: "unanswered" }>> {
  const end = now() + TRIES_LAST * timeoutMs;
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
  tenant: string,
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

function encode(pairs: readonly (readonly [name: string, value: string])[]): MsgHdrs {
  const headers = createHeaders();
  for (const [name, value] of pairs) headers.set(name, value);
  return headers;
}
