/**
 * Shares one read among many callers. A call during a read gets the answer of the next read, which begins when that one
 * is done. So every answer is newer than its question, and a key has one read at a time.
 */
export function shareReads<Value>(read: (key: string) => Promise<Value>): (key: string) => Promise<Value> {
  const running = new Map<string, Reading<Value>>();
  const start = (key: string): Promise<Value> => {
    const answer = read(key);
    const settled = answer.then(ignore, ignore);
    const current: Reading<Value> = { settled };
    running.set(key, current);
    void forget(key, current);
    return answer;
  };
  const forget = async (key: string, current: Reading<Value>): Promise<void> => {
    await current.settled;
    if (current.next === undefined) running.delete(key);
  };
  return (key) => {
    const current = running.get(key);
    if (current === undefined) return start(key);
    current.next ??= current.settled.then(() => start(key));
    return current.next;
  };
}

interface Reading<Value> {
  /** Fulfilled when the read is over, however it ended. */
  readonly settled: Promise<void>;
  /** The next read, for calls during this one. */
  next?: Promise<Value>;
}

function ignore(): void {}
