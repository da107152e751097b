import { topicMatches } from "#shared/protocol/topics.ts";

/** Whether a topic is one of those that were asked for. */
export type TopicTest = (topic: string) => boolean;

/**
 * Makes the test for a list of topic patterns, for a reader that passes hundreds of entries which are not for it: a pattern
 * without wildcards is looked up, another one compared only where its beginning fits.
 */
export function createTopicTest(patterns: readonly string[]): TopicTest {
  const exact = new Set<string>();
  const wild: { readonly pattern: string; readonly beginning: string }[] = [];
  for (const pattern of patterns) {
    const wildcard = pattern.search(/[*>]/);
    if (wildcard === -1) exact.add(pattern);
    else wild.push({ pattern, beginning: pattern.slice(0, wildcard) });
  }
  if (wild.length === 0) return (topic) => exact.has(topic);
  return (topic) =>
    exact.has(topic) ||
    wild.some(({ pattern, beginning }) => topic.startsWith(beginning) && topicMatches(pattern, topic));
}
