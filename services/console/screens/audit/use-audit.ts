import { useEffect, useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { type ApiError, toApiError } from "../../http/api-error.ts";
import { callAuth } from "../../http/call-service.ts";
import { readEvery } from "../../http/read-every.ts";

/** An entry of the audit trail. */
export interface AuditEntry {
  readonly id: string;
  readonly at: string;
  readonly event: string;
  readonly subject?: string;
  readonly by?: string;
  readonly address?: string;
  readonly [field: string]: unknown;
}

interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly next?: string;
}

/** What is known of the trail, the newest entry first. */
export interface AuditTail {
  readonly entries: readonly AuditEntry[] | undefined;
  /** Why the last reading failed; what was read before stays. */
  readonly error: ApiError | undefined;
}

const NOTHING: AuditTail = { entries: undefined, error: undefined };

/** Older entries are not kept: whoever needs them asks at a terminal. */
export const MAX_ENTRIES = 2_000;

/** Auth is asked no more often than this. */
const PERIOD_MS = 5_000;

/** Reads the entries since a time, and then follows the trail while the page is looked at. */
export function useAudit(authUrl: string, since: string): AuditTail {
  const { session } = useConsole();
  const [tail, setTail] = useState<AuditTail>(NOTHING);
  useEffect(() => {
    const stop = new AbortController();
    setTail(NOTHING);
    let start = new URLSearchParams({ since });
    const readPage = async (): Promise<boolean> => {
      const call = { method: "GET", path: `/v1/auth/audit?${start}` } as const;
      const { entries, next } = await callAuth<AuditPage>(authUrl, session, call, stop.signal);
      if (stop.signal.aborted) return false;
      const last = entries.at(-1)?.id;
      if (last !== undefined) start = new URLSearchParams({ after: last });
      setTail(({ entries: before = [] }) => ({
        entries: [...entries.toReversed(), ...before].slice(0, MAX_ENTRIES),
        error: undefined,
      }));
      return next !== undefined;
    };
    const readOn = async (): Promise<void> => {
      try {
        while (await readPage());
      } catch (thrown) {
        if (!stop.signal.aborted) setTail(({ entries }) => ({ entries, error: toApiError(thrown) }));
      }
    };
    // One reading at a time: an entry must not come twice.
    const reading = readEvery(PERIOD_MS, readOn);
    return () => {
      reading[Symbol.dispose]();
      stop.abort();
    };
  }, [authUrl, since, session]);
  return tail;
}
