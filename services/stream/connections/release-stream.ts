import type { Place } from "../admission/admission.ts";
import type { Observer } from "../observe/observer.ts";
import { GONE } from "./end-stream.ts";
import type { ClientStreams } from "./client-streams.ts";
import type { Holds } from "./holds.ts";
import type { Hub, Stream } from "./hub.ts";
import { endedRecord, factsOf, reportBeginning } from "./record-stream.ts";

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
  const { reader, tenant } = stream;
  reader.end(GONE);
  if (reader.durable !== undefined) void subscriptions.holds.release(reader.durable);
  reader.registration.end("revoked");
  hub.detach(stream);
  clientStreams.detach(stream);
  place.leave();
  reportBeginning(tenant, reader, observer);
  const written = { events: reader.record.events, bytes: reader.connection.bytes };
  const reason = reader.endedBy?.reason ?? "gone";
  reader.trace?.end(reason, written.events);
  observer.ended(reason, factsOf(reader), Math.round((now() - reader.openedAt) / 1_000), written);
  observer.recorded(endedRecord(tenant, reader, now()));
}
