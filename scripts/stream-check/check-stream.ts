import type { Finding } from "../shared/finding.ts";
import { compressionOf, findingsOf, resumptionOf } from "./findings.ts";
import { inflateReads, observeStream } from "./observe-stream.ts";
import { readFraming } from "./read-framing.ts";

/** What to look at. */
export interface StreamToCheck {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly listenMs: number;
}

/** Nobody listens for more: what a stream is like shows in its first bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** How long the second and the third stream are listened to. */
const BRIEF_MS = 2_500;

/** Listens to a stream, then to a compressed one, then comes back behind the last id; gives what it finds. */
export async function* checkStream({ url, headers, listenMs }: StreamToCheck): AsyncGenerator<Finding> {
  const plain = await observeStream({
    url,
    headers: { "accept-encoding": "identity", ...headers },
    listenMs,
    maxBytes: MAX_BYTES,
  });
  const findings = findingsOf(plain, listenMs);
  yield* findings;
  if (plain.status !== 200) return;
  const brief = { url, listenMs: Math.min(listenMs, BRIEF_MS), maxBytes: MAX_BYTES };
  const compressed = await observeStream({ ...brief, headers: { "accept-encoding": "gzip, deflate, br", ...headers } });
  yield compressionOf(plain, compressed, await inflateReads(compressed));
  const id = readFraming(plain.reads).ids.at(-1);
  if (id === undefined || id === "") return;
  const back = await observeStream({ ...brief, maxBytes: 1, headers: { ...headers, "last-event-id": id } });
  yield resumptionOf(id, back);
}
