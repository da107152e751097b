import type { Hold } from "../durable/hold.ts";
import type { Start } from "../log/resume.ts";
import { bye } from "./end-stream.ts";
import type { Reader } from "./reader.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Begins to deliver a durable subscription to its reader. In a log that has begun anew, `epoch`, nothing of it is open. */
export function beginHold(
  reader: Reader,
  hold: Hold,
  { position, notice }: Start,
  epoch: string,
  subscriptions: Pick<Subscriptions, "holds" | "replacedMs">,
): void {
  if (notice?.event === "reset") hold.reset(epoch, position);
  subscriptions.holds.add({ hold, reader });
  hold.begin({
    get cursor() {
      return reader.cursor;
    },
    interrupt: () => reader.leaveAudience(),
    lose: (why) => reader.end(bye(why, why === "replaced" ? subscriptions.replacedMs() : reader.retryMs)),
  });
}
