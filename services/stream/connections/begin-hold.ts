import type { Hold } from "../durable/hold.ts";
import type { Start } from "../log/resume.ts";
import { bye } from "./end-stream.ts";
import type { Hub } from "./hub.ts";
import type { Reader } from "./reader.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** The edge, as far as a durable subscription begins to be delivered. */
interface BeginHoldDeps {
  readonly subscriptions: Subscriptions;
  readonly hub: Pick<Hub, "tenant">;
}

/** Begins to deliver a durable subscription to its reader. In a log that has begun anew nothing of it is open. */
export function beginHold(
  reader: Reader,
  hold: Hold,
  { position, notice }: Start,
  { subscriptions, hub }: BeginHoldDeps,
): void {
  if (notice?.event === "reset") {
    hold.reset(hub.tenant(hold.key.tenant)?.log.epoch ?? "", position);
  }
  subscriptions.holds.add({ hold, reader });
  hold.begin({
    get cursor() {
      return reader.cursor;
    },
    interrupt: () => reader.leaveAudience(),
    lose: (why) => reader.end(bye(why, why === "replaced" ? subscriptions.replacedMs() : reader.retryMs)),
  });
}
