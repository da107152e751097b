import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { endRegistration } from "../access/apply-control.ts";
import type { Admission } from "../admission/admission.ts";
import { bye } from "./end-stream.ts";
import type { Hub } from "./hub.ts";

/** How often to look whether everybody has left. */
const LOOK_MS = 20;

/**
 * Ends every stream in good order: each client is sent its position and when to come back (spread over the drain's own
 * length, so that they do not arrive elsewhere all at once). A handshake under way is refused in its last step. Waits until
 * the sockets are gone and the handshakes over, for `drainMs` at most.
 */
export async function drain(admission: Admission, hub: Hub, drainMs: number): Promise<void> {
  admission.drain();
  for (const { reader } of hub.streams()) reader.end(bye("drain", 1_000 + randomInt(drainMs + 1)));
  const giveUp = performance.now() + drainMs;
  while (admission.open > 0 && performance.now() < giveUp) await delay(LOOK_MS);
}

/** Ends the streams whose token this key signed. A handshake under way meets the withdrawn key in its last step. */
export function endStreamsOfKey(hub: Hub, kid: string): void {
  for (const { reader } of hub.streams()) {
    if (reader.registration.identity.kid === kid) endRegistration(reader.registration, "revoked");
  }
}
