import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Admission } from "../admission/admission.ts";
import type { Hub } from "../connections/hub.ts";

/** How often it is looked whether everybody has left. */
const LOOK_MS = 20;

/**
 * Ends every stream in good order: each client is told where it stands and when to come back (spread over the drain's own
 * length, so that they do not arrive elsewhere all at once); who comes meanwhile is told to come again. Waits until the
 * sockets are gone.
 */
export async function drain(admission: Admission, hub: Hub, drainMs: number): Promise<void> {
  admission.drain();
  for (const { reader } of hub.streams()) {
    reader.end({ event: "bye", reason: "drain", retryMs: 1_000 + randomInt(drainMs + 1) });
  }
  for (const giveUp = performance.now() + drainMs; hub.size > 0 && performance.now() < giveUp;) await delay(LOOK_MS);
}
