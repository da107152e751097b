import type { Admission } from "../admission/admission.ts";
import type { Observer } from "../observe/observer.ts";
import { GONE } from "./end-stream.ts";
import type { Hub, Stream } from "./hub.ts";

/** Releases all that a stream held, under its present registration. */
export function releaseStream(
  { hub, admission, observer }: { readonly hub: Hub; readonly admission: Admission; readonly observer: Observer },
  stream: Stream,
): void {
  const { reader } = stream;
  reader.end(GONE);
  reader.registration.end("revoked");
  hub.detach(stream);
  admission.leave();
  observer.ended(reader.endedBy?.reason ?? "gone");
}
