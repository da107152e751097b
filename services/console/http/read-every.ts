/** Something that is read again and again. Disposing ends it. */
export interface Reading extends Disposable {
  /** Reads now, or once more when what is under way has ended. */
  again(): void;
}

/**
 * Reads now and every `everyMs` while the page is looked at; without `everyMs` once. One reading at a time, and none is broken off for
 * the next one: however slow a server is, what it answers is shown.
 */
export function readEvery(everyMs: number | undefined, read: () => Promise<void>): Reading {
  let isReading = false;
  let isWanted = false;
  const readOn = async (): Promise<void> => {
    if (isReading) return;
    isReading = true;
    do {
      isWanted = false;
      await read();
    } while (isWanted);
    isReading = false;
  };
  const again = (): void => {
    isWanted = true;
    void readOn();
  };
  again();
  const look = (): void => void (document.hidden ? undefined : readOn());
  const timer = everyMs === undefined ? undefined : setInterval(look, everyMs);
  return {
    again,
    [Symbol.dispose]() {
      isWanted = false;
      clearInterval(timer);
    },
  };
}
