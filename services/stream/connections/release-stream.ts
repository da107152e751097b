import type { Place } from "../admission/admission.ts";
import { traceFactsOf } from "#shared/protocol/traceparent.ts";
import type { Observer, StreamFacts } from "../observe/observer.ts";
import { GONE } from "./end-stream.ts";
import type { ClientStreams } from "./client-streams.ts";
import type { Holds } from "./holds.ts";
import type { Hub, Stream } from "./hub.ts";
import type { Reader } from "./reader.ts";

interface ReleaseDeps {
  readonly hub: Hub;
  readonly clientStreams: ClientStreams;
  readonly subscriptions: { readonly holds: Pick<Holds, "release"> };
  readonly observer: Observer;
  readonly now: () => number;
}

/** Releases all that a stream held, under its present registration. */
export function releaseStream(deps: ReleaseDeps, stream: Stream, place: Place): void {
  const { hub, clientStreams, subscriptions, observer, now } = deps;
  const { reader } = stream;
  reader.end(GONE);
  if (reader.durable !== undefined) void subscriptions.holds.release(reader.durable);
  reader.registration.end("revoked");
  hub.detach(stream);
  clientStreams.detach(stream);
  place.leave();
  reader.trace?.end(reader.endedBy?.reason ?? "gone");
  observer.ended(reader.endedBy?.reason ?? "gone", factsOf(reader), Math.round((now() - reader.openedAt) / 1_000));
}

/** What the lines about a stream say of it, by its present registration. */
export function factsOf({ ids, registration, traceparent }: Reader): StreamFacts {
  const { tenant, subject, kid } = registration.identity;
  return { ...ids, ...traceFactsOf(traceparent), tenant, subject: subject.id, kid, issuer: subject.issuer };
}
