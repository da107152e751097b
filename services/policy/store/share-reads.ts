/**
 * A read that many ask for at once, made once for them: who asks while one is under way gets the next one's answer, which
 * begins when that is done. So every answer is from after its question, and one key is read one at a time.
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
  /** What those get who asked meanwhile. */
  next?: Promise<Value>;
}

function ignore(): void {}
