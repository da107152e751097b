import { AppError } from "#shared/errors/app-error.ts";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import { MAX_PRESENCE_TOPICS } from "./stream-parameters.ts";

/** What a stream asks of presence. */
export interface PresenceChoice {
  /** Whether others may see that its person listens. */
  readonly isVisible: boolean;
  /** Topic patterns of which the stream is told who listens, without repeats. */
  readonly topics: readonly string[];
}

/** Stands for no topic: these have two tokens. */
const INVISIBLE = "none";

/** Most streams ask for nothing, and share this. */
const NOTHING_ASKED: PresenceChoice = { isVisible: true, topics: [] };

/**
 * Reads the parameters `presence` of `GET /v1/stream`.
 * @throws {AppError} `malformed_topic`.
 */
export function parsePresence(values: readonly string[]): PresenceChoice {
  if (values.length === 0) return NOTHING_ASKED;
  const topics = [...new Set(values)].filter((value) => value !== INVISIBLE);
  if (values.length > MAX_PRESENCE_TOPICS + 1 || topics.length > MAX_PRESENCE_TOPICS) {
    throw new AppError("malformed_topic", `give at most ${MAX_PRESENCE_TOPICS} topics as "presence"`);
  }
  if (topics.every(isTopicPattern)) return { isVisible: !values.includes(INVISIBLE), topics };
  throw new AppError("malformed_topic", '"presence" must be a topic pattern, for example order.*.42, or none');
}
