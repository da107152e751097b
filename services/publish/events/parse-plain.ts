import { plainEventSchema } from "#shared/contract/published-events.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readAttributes, readId } from "./attributes.ts";
import { topicOf } from "./event-topic.ts";
import type { EventText, ReadEvent } from "./published-event.ts";
import { rawMembers } from "./raw-members.ts";

/** Attributes that other fields say, or that would say something else than the event's topic does. */
const SAID_ELSEWHERE = ["id", "type", "subject", "specversion", "data", "datacontenttype"];

/**
 * Reads an event in our own format, whose id is `madeId` where it brings none.
 * @throws {AppError} `malformed_request`, `malformed_topic`.
 */
export function parsePlainEvent({ value, text }: EventText, madeId: string): ReadEvent {
  const parsed = plainEventSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? "the event" : `"${issue.path.join(".")}"`;
    throw malformed(`${where}: ${issue?.message ?? "not as expected"}`);
  }
  const { type, key, id = madeId, attributes: given } = parsed.data;
  const raw = rawMembers(text).get("data");
  if (raw === undefined) throw malformed('"data" is missing');
  const wrong = SAID_ELSEWHERE.find((name) => Object.hasOwn(given, name));
  if (wrong !== undefined) throw malformed(`"attributes.${wrong}" is said by the event's own fields`);
  const topic = topicOf({ type: "type", key: "key" }, type, key);
  return { id, topic, type, payload: Buffer.from(raw), attributes: { ...readAttributes(given), id: readId("id", id) } };
}

function malformed(message: string): AppError {
  return new AppError("malformed_request", message);
}
