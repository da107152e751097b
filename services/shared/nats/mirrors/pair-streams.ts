import type { StreamInfo } from "@nats-io/jetstream";

/** A stream's original and its mirror, where they are. */
export interface StreamPair {
  readonly name: string;
  readonly original?: StreamInfo;
  readonly mirror?: StreamInfo;
}

/**
 * Pairs two lists of streams by name. Both are sorted, as JetStream lists streams: a page of each is in memory, however many there
 * are.
 */
export async function* pairStreams(
  mirrors: AsyncIterator<StreamInfo>,
  originals: AsyncIterator<StreamInfo>,
): AsyncGenerator<StreamPair> {
  // The mirrors first: then nothing that a mirror has can be missing in an original for having come later.
  let mirror = await next(mirrors);
  let original = await next(originals);
  while (mirror !== undefined || original !== undefined) {
    const [here, there] = [mirror?.config.name, original?.config.name];
    const name = here === undefined || (there !== undefined && there < here) ? (there ?? "") : here;
    yield {
      name,
      ...(mirror !== undefined && here === name && { mirror }),
      ...(original !== undefined && there === name && { original }),
    };
    if (here === name) mirror = await next(mirrors);
    if (there === name) original = await next(originals);
  }
}

async function next(streams: AsyncIterator<StreamInfo>): Promise<StreamInfo | undefined> {
  const { done, value } = await streams.next();
  return done === true ? undefined : value;
}
