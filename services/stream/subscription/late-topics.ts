/** Topics that count only behind a sequence which the reader has not passed yet, each with that sequence. */
export type LateTopics = ReadonlyMap<string, number>;

/** The topics that count for what follows a sequence, and up to which sequence that is so. */
export interface DueTopics {
  readonly topics: readonly string[];
  readonly through: number;
}

/** Which of the topics count for the entries behind `seq`. */
export function dueTopics(topics: readonly string[], late: LateTopics | undefined, seq: number): DueTopics {
  if (late === undefined) return { topics, through: Number.POSITIVE_INFINITY };
  const ahead = [...late].filter(([, from]) => from > seq);
  if (ahead.length === 0) return { topics, through: Number.POSITIVE_INFINITY };
  const notYet = new Set(ahead.map(([topic]) => topic));
  return {
    topics: topics.filter((topic) => !notYet.has(topic)),
    through: Math.min(...ahead.map(([, from]) => from)),
  };
}
