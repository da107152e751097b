/**
 * A read that many ask for at once, made once for them: who asks while one is under way gets the next one's answer, which
 * begins when that is done. So every answer is from after its question, and one key is read one at a time.
 */
export function shareReads<Value>(read: (key: string) => Promise<Value>): (key: string) => Promise<Value> {
  const running = new Map<string, { readonly settled: Promise<void>; next?: Promise<Value> }>();
  const start = (key: string): Promise<Value> => {
    const answer = read(key);
    const settled = answer.then(ignore, ignore);
    const current: { readonly settled: Promise<void>; next?: Promise<Value> } = { settled };
    running.set(key, current);
    void settled.then(() => {
      if (current.next === undefined) running.delete(key);
    });
    return answer;
  };
  return (key) => {
    const current = running.get(key);
    if (current === undefined) return start(key);
    current.next ??= current.settled.then(() => start(key));
    return current.next;
  };
}

function ignore(): void {}
