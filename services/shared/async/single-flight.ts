/** Runs `ask` unless it runs for this key already, and gives everyone who came meanwhile the same answer or failure. */
export type SingleFlight<Answer> = (key: string, ask: () => Promise<Answer>) => Promise<Answer>;

/**
 * Lets one question be asked once at a time. Nothing is kept: the first who comes after the answer asks anew. A caller
 * that joins may get an answer older than its question, so this is not for reads that must see what was stored a moment ago.
 */
export function singleFlight<Answer>(): SingleFlight<Answer> {
  const running = new Map<string, Promise<Answer>>();
  return (key, ask) => {
    const known = running.get(key);
    if (known !== undefined) return known;
    const answer = ask().finally(() => running.delete(key));
    running.set(key, answer);
    return answer;
  };
}
