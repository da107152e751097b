import { once } from "node:events";
import { WebSocket } from "ws";
import type { RunningService } from "#test/support/start-service.ts";

/** A service that is started with this lets its heap be collected from outside. */
export const COLLECTABLE = { NODE_OPTIONS: "--inspect=127.0.0.1:0" };

/**
 * Has a service collect all that nothing holds any more, and give the room back: what it holds at rest is there at once, and not after two
 * minutes.
 */
export async function collectHeap({ child }: RunningService): Promise<void> {
  const [address = ""] = /ws:\/\/\S+/.exec(child.output()) ?? [];
  const inspector = new WebSocket(address);
  await once(inspector, "open");
  // What only finalizers hold goes with the second round.
  for (const id of [1, 2]) {
    inspector.send(JSON.stringify({ id, method: "HeapProfiler.collectGarbage" }));
    await once(inspector, "message");
  }
  inspector.close();
  await once(inspector, "close");
}
