import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { fairLimiter } from "#shared/async/fair-limiter.ts";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import {
  type ConnectionEntry,
  connectionEntrySchema,
  connectionSubject,
  CONNECTIONS_STREAM,
} from "#shared/contract/connection-log.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { PersonHistory } from "../explain/ports.ts";
import { mapInTurns } from "../work/turns.ts";
import { readDirect } from "./read-direct.ts";
import { MAX_ENTRIES_OF_A_KIND } from "./connections-log.ts";

/** What one read brings. An entry with a hundred of the longest topics has 300 kB. */
const PAGE = { batch: 256, max_bytes: 2 * 1024 * 1024 };

/** What is read of one person's entries: all that there can be at some kilobytes each. */
const MAX_BYTES = 32 * 1024 * 1024;

/** How many people's entries are read at a time: policy decides for others meanwhile. */
const READ_AT_ONCE = 2;

/** Reads people's entries of the connection log. Any replica may answer: one seldom lags so far. */
export function openPersonHistory(manager: JetStreamManager): PersonHistory {
  const inTurn = fairLimiter(READ_AT_ONCE);
  return {
    entriesOfPerson: (tenant, subject, take) =>
      orUnavailable("the connection log does not answer; try again", () =>
        inTurn(tenant, async () => {
          const since = await beginningOf(manager);
          let [opened, oldest] = [0, since];
          const read = await readConnectionEntries(manager, connectionSubject(tenant, subject, "*"), (entry) => {
            // An edge may write whatever it likes under a person's subject.
            if (entry.tenant !== tenant || entry.subject !== subject) return;
            if (entry.event === "opened" && (opened += 1) === 1) oldest = Date.parse(entry.at);
            take(entry);
          });
          // Who has as many as are kept may have had more before them.
          const isFull = opened >= MAX_ENTRIES_OF_A_KIND;
          return { since: isFull ? Math.max(since, oldest) : since, hasMore: read === "cut" };
        }),
      ),
  };
}

/** Since when the log has what was stored, in milliseconds since 1970. */
async function beginningOf(manager: JetStreamManager): Promise<number> {
  const { created, state } = await manager.streams.info(CONNECTIONS_STREAM);
  return Date.parse(state.first_seq > 1 ? state.first_ts : created);
}

/** Reads the entries under a subject in their order, up to 32 MiB of them: then it answers `cut`. What is no entry of this release is left out. */
export async function readConnectionEntries(
  { direct }: Pick<JetStreamManager, "direct">,
  subject: string,
  take: (entry: ConnectionEntry) => void,
): Promise<"all" | "cut"> {
  let [next, bytes] = [1, 0];
  while (bytes < MAX_BYTES) {
    const query = { ...PAGE, seq: next, next_by_subj: subject };
    const messages = await readDirect((callback) => direct.getBatch(CONNECTIONS_STREAM, { ...query, callback }));
    const last = messages.at(-1);
    if (last === undefined) return "all";
    for (const entry of await mapInTurns(messages, readEntry)) if (entry !== undefined) take(entry);
    bytes += messages.reduce((sum, { data }) => sum + data.length, 0);
    next = last.seq + 1;
  }
  return "cut";
}

function readEntry(message: StoredMsg): ConnectionEntry | undefined {
  return connectionEntrySchema.safeParse(parseJson(message.string())).data;
}
