import { AppError } from "#shared/errors/app-error.ts";
import { requirePatterns } from "./parse-subscription.ts";
import { MAX_TOPICS } from "./stream-parameters.ts";
import type { TopicChange } from "./stream-topics.ts";

/**
 * Checks the topics of a change.
 * @throws {AppError} `malformed_topic`, naming the list and the place; `malformed_request` for a topic in both lists.
 */
export function parseTopicChange({ add, remove }: TopicChange): TopicChange {
  for (const [name, topics] of Object.entries({ add, remove })) {
    if (topics.length > MAX_TOPICS) {
      throw new AppError("malformed_topic", `"${name}" has ${topics.length} topics; at most ${MAX_TOPICS} are taken`);
    }
    requirePatterns(topics, `"${name}": topic`);
  }
  const both = add.findIndex((topic) => remove.includes(topic));
  if (both === -1) return { add, remove };
  throw new AppError("malformed_request", `"add": topic ${both + 1} is in "remove", too`);
}
