import type { Hold } from "../durable/hold.ts";
import type { HoldStart } from "./attach-hold.ts";
import { bye } from "./end-stream.ts";
import type { Reader } from "./reader.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Begins to deliver a durable subscription to its reader. In a log that has begun anew, `epoch`, nothing of it is open. */
export function beginHold(
  reader: Reader,
  hold: Hold,
  { position, isAnew }: HoldStart,
  epoch: string,
  subscriptions: Pick<Subscriptions, "holds" | "replacedMs">,
): void {
  if (isAnew === true) hold.reset(epoch, position);
  reader.frames.onLoss = (notice) => hold.told(notice);
  subscriptions.holds.add({ hold, reader });
  hold.begin({
    get cursor() {
      return reader.cursor;
    },
    interrupt: () => reader.leaveAudience(),
    lose: (why) => reader.end(bye(why, why === "replaced" ? subscriptions.replacedMs() : reader.retryMs)),
  });
}
