import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, toApiError } from "./api-error.ts";
import { type Reading, readEvery } from "./read-every.ts";

/** What is known of something that is read from policy. A failure keeps what was read before it. */
export type Query<Value> =
  | { readonly state: "loading"; readonly reload: () => void }
  | { readonly state: "failed"; readonly error: ApiError; readonly reload: () => void }
  | {
      readonly state: "ready";
      readonly value: Value;
      /** Why a later read failed: the value is older than it looks. */
      readonly stale: ApiError | undefined;
      readonly reload: () => void;
    };

type Known<Value> =
  | { readonly key: string; readonly value: Value; readonly stale: ApiError | undefined }
  | { readonly key: string; readonly error: ApiError };

/** The console asks no server more often than this, in milliseconds. */
const LEAST_PERIOD_MS = 5_000;

/**
 * Reads something when `key` changes, on `reload`, and every `everyMs` while the page is looked at. An undefined key reads
 * nothing. What an older key was answered is never shown for a newer one.
 */
export function useQuery<Value>(
  key: string | undefined,
  read: (signal: AbortSignal) => Promise<Value>,
  { everyMs }: { readonly everyMs?: number } = {},
): Query<Value> {
  const [known, setKnown] = useState<Known<Value>>();
  const reading = useRef<Reading>(undefined);
  const reload = useCallback(() => reading.current?.again(), []);

  useEffect(() => {
    if (key === undefined) return undefined;
    const stop = new AbortController();
    const readOnce = async (): Promise<void> => {
      try {
        const value = await read(stop.signal);
        if (!stop.signal.aborted) setKnown({ key, value, stale: undefined });
      } catch (thrown) {
        if (stop.signal.aborted) return;
        const error = toApiError(thrown);
        setKnown((before) => (before?.key === key && "value" in before ? { ...before, stale: error } : { key, error }));
      }
    };
    const opened = readEvery(everyMs === undefined ? undefined : Math.max(everyMs, LEAST_PERIOD_MS), readOnce);
    reading.current = opened;
    return () => {
      opened[Symbol.dispose]();
      stop.abort();
    };
    // `read` is made anew with every rendering; the key says what it reads.
  }, [key, everyMs]);

  if (known === undefined || known.key !== key) return { state: "loading", reload };
  if ("error" in known) return { state: "failed", error: known.error, reload };
  return { state: "ready", value: known.value, stale: known.stale, reload };
}
