import { AppError, toAppError } from "#shared/errors/app-error.ts";
import type { Observer } from "../observe/observer.ts";
import type { RetryDelays } from "../sse/retry-delay.ts";
import type { StreamTopics } from "../subscription/stream-topics.ts";
import type { KeptChange, TopicStore } from "../subscription/topic-store.ts";
import type { AnnounceTopics, ClientStreams } from "./client-streams.ts";
import { bye } from "./end-stream.ts";
import type { Reader } from "./reader.ts";

/** The records of open streams are renewed so often: they do not run out, and one that Redis has lost is there again. */
const RENEW_MS = 10 * 60_000;

/** The edge, as far as keeping clients' topics uses it. */
export interface KeepTopicsDeps {
  readonly retryDelays: Pick<RetryDelays, "forReplaced">;
  /** Undefined where no topics are kept. */
  readonly topicStore: TopicStore | undefined;
  readonly announceTopics: AnnounceTopics;
}

/**
 * Keeps a change for the client's next stream, and tells the other edges who has the client's record. `next`: all topics after it.
 * @throws {AppError} `not_found` where a later stream has replaced this one, which ends; `unavailable`, and it may be kept.
 */
export async function keepTopics(
  reader: Reader,
  change: KeptChange,
  next: StreamTopics,
  { topicStore, announceTopics, retryDelays }: KeepTopicsDeps,
): Promise<void> {
  const { changes } = reader;
  const claim = changes?.claim;
  if (topicStore === undefined || changes === undefined || claim === undefined) return;
  const { isKept } = changes;
  // Until the answer is there, nobody knows what the record holds.
  changes.isKept = false;
  const kept = await topicStore.change(claim, isKept ? change : next.keptWhole);
  const outcome = kept === "absent" ? await topicStore.change(claim, next.keptWhole) : kept;
  if (outcome !== "stored") {
    reader.end(bye("replaced", retryDelays.forReplaced()));
    throw new AppError("not_found", "a later stream of the same client has replaced this one");
  }
  changes.isKept = true;
  announceTopics({ client: claim.client, generation: claim.generation });
}

/** Renews the records of this edge's streams until disposed. A stream that another one has replaced without its knowledge ends. */
export function startRenewingTopics(
  deps: KeepTopicsDeps & { readonly clientStreams: ClientStreams; readonly observer: Pick<Observer, "fault"> },
): Disposable {
  let isRenewing = false;
  const renew = async (): Promise<void> => {
    if (isRenewing) return;
    isRenewing = true;
    for (const { reader } of deps.clientStreams) await renewTopics(reader, deps);
    isRenewing = false;
  };
  const timer = setInterval(() => void renew(), RENEW_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Writes a stream's record anew; where that fails now, it is done the next time. */
export async function renewTopics(
  reader: Reader,
  deps: KeepTopicsDeps & { readonly observer: Pick<Observer, "fault"> },
): Promise<void> {
  const { changes } = reader;
  await changes
    ?.inOrder(async () => {
      changes.isKept = false;
      if (!reader.ended) await keepTopics(reader, changes.topics.keptWhole, changes.topics, deps);
    })
    .catch((error: unknown) => {
      if (toAppError(error).code === "internal") deps.observer.fault(error, reader.ids);
    });
}
